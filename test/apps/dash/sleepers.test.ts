import { floodEnvironment, SleepyClient, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';

/** What the page sends when its input has changed. */
const callback = {
  output: 'answer.children',
  outputs: { id: 'answer', property: 'children' },
  inputs: [{ id: 'number', property: 'value', value: 7 }],
  changedPropIds: ['number.value'],
};

sleeperSuite({
  aiohttp: {
    preset: 'aiohttp',
    start: () =>
      startPython({
        part: 'dash',
        program: 'python',
        args: ['aiohttp_app.py', '{port}'],
        probe: '/up',
        path: '',
        env: floodEnvironment,
      }),
    ask: (port) => SleepyClient.open(`ws://127.0.0.1:${port}/pieces`),
    late: { path: '/late', seconds: 20 },
  },
  dash: {
    preset: 'dash',
    start: () =>
      startPython({
        part: 'dash',
        program: 'uvicorn',
        args: ['flood_app:server', '--port', '{port}'],
        probe: '/_dash-layout',
        env: floodEnvironment,
      }),
    async ask(port) {
      const here = { Origin: `http://127.0.0.1:${port}` };
      const client = await SleepyClient.open(`ws://127.0.0.1:${port}/_dash-ws-callback`, [], here);
      client.send(JSON.stringify({ type: 'callback_request', requestId: '1', rendererId: '1', payload: callback }));
      return client;
    },
  },
});
