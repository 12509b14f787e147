import { pageToken } from '../../real/bokeh/bokeh-socket.ts';
import { floodEnvironment, SleepyClient, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';

sleeperSuite({
  'panel-fastapi': {
    preset: 'panel-fastapi',
    start: () =>
      startPython({
        part: 'nicegui',
        program: 'uvicorn',
        args: ['panel_flood_app:app', '--port', '{port}'],
        probe: '/up',
        env: floodEnvironment,
      }),
    async ask(port) {
      const page = `http://127.0.0.1:${port}/panel`;
      const client = await SleepyClient.open(`${page.replace('http', 'ws')}/ws`, ['bokeh', await pageToken(page)]);
      for (const part of ['{"msgid":"1","msgtype":"PULL-DOC-REQ"}', '{}', '{}']) client.send(part);
      return client;
    },
  },
});
