import { randomUUID } from 'node:crypto';
import { floodEnvironment, SleepyClient, shellMessage, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';
import { notebook } from './notebook.ts';
import { startProxiedApp } from './proxied-app.ts';

sleeperSuite({
  'jupyter-server-proxy': {
    preset: 'jupyter-server-proxy',
    start: () => startProxiedApp(floodEnvironment),
    async ask(port, path) {
      const client = await SleepyClient.open(`ws://127.0.0.1:${port}${path}/pieces`);
      client.send('pieces');
      return client;
    },
    // It gives the app's own handshake 20 s.
    late: { path: '/late?seconds=15', seconds: 15 },
  },
  voila: {
    preset: 'voila',
    start: () =>
      startPython({
        part: 'jupyter',
        program: 'voila',
        args: [
          notebook('flood_notebook.py', floodEnvironment),
          '--no-browser',
          '--port={port}',
          '--Voila.ip=127.0.0.1',
        ],
        probe: '/voila/static/voila.js',
      }),
    // Its pings are Jupyter Server's.
    surelyMs: 60_000,
    async ask(port) {
      const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
      const kernel = /"kernelId": ?"([^"]+)"/.exec(page)?.[1];
      if (kernel === undefined) throw new Error(`the page names no kernel: ${page.slice(0, 2000)}`);
      const url = `ws://127.0.0.1:${port}/api/kernels/${kernel}/channels?session_id=${randomUUID()}`;
      const client = await SleepyClient.open(url);
      // As the page does, once it has run.
      const comm_id = randomUUID();
      const opening = { comm_id, target_name: 'jupyter.widget.control', data: {} };
      client.send(shellMessage('comm_open', opening, { version: '1.0.0' }));
      client.send(shellMessage('comm_msg', { comm_id, data: { method: 'request_states' } }));
      return client;
    },
  },
});
