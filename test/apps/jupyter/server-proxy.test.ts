import { startPython } from '../harness/python-server.ts';
import { socketSuite } from '../harness/socket-suite.ts';

const MiB = 1024 * 1024;

socketSuite('jupyter-server-proxy', {
  preset: 'jupyter-server-proxy',
  async start() {
    const echo = await startPython({
      part: 'jupyter',
      program: 'python',
      args: ['echo_app.py', '{port}'],
      probe: '/up',
    });
    const server = await startPython({
      part: 'jupyter',
      program: 'jupyter',
      args: [
        'server',
        '--allow-root',
        '--no-browser',
        '--ServerApp.ip=127.0.0.1',
        '--ServerApp.port={port}',
        '--ServerApp.port_retries=0',
        '--IdentityProvider.token=',
      ],
      probe: '/api/status',
    });
    return {
      port: server.port,
      path: `/proxy/${echo.port}/ws`,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await echo[Symbol.asyncDispose]();
      },
    };
  },
  message: (bytes) => 'x'.repeat(bytes),
  takes: 10 * MiB,
  directCodes: [1009, 1006],
});
