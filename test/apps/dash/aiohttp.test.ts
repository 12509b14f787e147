import { startPython } from '../harness/python-server.ts';
import { socketSuite } from '../harness/socket-suite.ts';

const MiB = 1024 * 1024;

socketSuite('aiohttp', {
  preset: 'aiohttp',
  start: () =>
    startPython({ part: 'dash', program: 'python', args: ['aiohttp_app.py', '{port}'], probe: '/up', path: '/ws' }),
  message: (bytes) => 'x'.repeat(bytes),
  // Its limit is not inclusive.
  takes: 4 * MiB - 1,
  directCodes: [1009, 1006],
});
