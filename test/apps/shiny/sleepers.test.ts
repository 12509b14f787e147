import { randomUUID } from 'node:crypto';
import { floodEnvironment, SleepyClient, shellMessage, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';

sleeperSuite({
  shiny: {
    preset: 'shiny',
    start: () =>
      startPython({
        part: 'shiny',
        program: 'shiny',
        args: ['run', 'flood_app.py', '--port', '{port}'],
        probe: '/',
        env: floodEnvironment,
      }),
    async ask(port) {
      const client = await SleepyClient.open(`ws://127.0.0.1:${port}/websocket/`);
      client.send('{"method":"init","data":{}}');
      return client;
    },
  },
  solara: {
    preset: 'solara',
    start: () =>
      startPython({
        part: 'shiny',
        program: 'solara',
        args: ['run', 'solara_flood_app.py', '--port', '{port}', '--host', '127.0.0.1', '--no-open', '--production'],
        probe: '/',
        env: floodEnvironment,
      }),
    async ask(port) {
      const kernel = `ws://127.0.0.1:${port}/jupyter/api/kernels/${randomUUID()}/channels?session_id=${randomUUID()}`;
      const client = await SleepyClient.open(kernel, [], { Cookie: `solara-session-id=${randomUUID()}` });
      const comm_id = randomUUID();
      client.send(shellMessage('comm_open', { comm_id, target_name: 'solara.control', data: {} }));
      const args = { path: '/', themes: { light: {}, dark: {} }, dark: false };
      client.send(shellMessage('comm_msg', { comm_id, data: { method: 'run', args } }));
      return client;
    },
  },
});
