/** jupyter-server-proxy, and behind it the app of `echo_app.py`. */
import type { RunningApp } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

/** Starts both; `path` is where the app is found. */
export async function startProxiedApp(env: NodeJS.ProcessEnv = {}): Promise<RunningApp> {
  const echo = await startPython({
    part: 'jupyter',
    program: 'python',
    args: ['echo_app.py', '{port}'],
    probe: '/up',
    env,
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
    path: `/proxy/${echo.port}`,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await echo[Symbol.asyncDispose]();
    },
  };
}
