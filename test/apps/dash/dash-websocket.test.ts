import { startPython } from '../harness/python-server.ts';
import { socketSuite } from '../harness/socket-suite.ts';

const MiB = 1024 * 1024;

/** The callbacks of a page whose server is FastAPI. JSON may end in spaces. */
socketSuite('dash-websocket', {
  preset: 'dash',
  start: () =>
    startPython({
      part: 'dash',
      program: 'uvicorn',
      args: ['dash_app:server', '--port', '{port}'],
      probe: '/_dash-layout',
      path: '/_dash-ws-callback',
      env: { CALLBACKS: 'websocket' },
    }),
  message: (bytes) => '{"type":"heartbeat"}'.padEnd(bytes),
  takes: 16 * MiB,
  directCodes: [1009, 1006],
});
