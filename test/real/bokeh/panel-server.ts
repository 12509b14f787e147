/** Panel's servers as their users start them, with nothing loaded from outside. */
import { fileURLToPath } from 'node:url';
import { venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';

/** A running server of the applications in `apps/`. */
export interface PanelServer extends AsyncDisposable {
  readonly port: number;
}

const app = (file: string): string => fileURLToPath(new URL(`apps/${file}`, import.meta.url));
// The pages load Bokeh's and Panel's scripts from the server itself.
const env = { BOKEH_RESOURCES: 'server' };

/**
 * `panel serve` with both applications, at `/document` and `/files`, below the `--prefix` that is among the options.
 */
export async function panelServe(...options: readonly string[]): Promise<PanelServer> {
  const port = await freePort();
  const prefix = options.find((option) => option.startsWith('--prefix='))?.slice('--prefix='.length) ?? '';
  const server = await ServerProcess.start({
    name: 'panel',
    command: venvProgram('modern', 'panel'),
    args: [
      'serve',
      app('document.py'),
      app('files.py'),
      '--address=127.0.0.1',
      `--port=${port}`,
      '--allow-websocket-origin=*',
      ...options,
    ],
    env,
    ready: answers(`http://127.0.0.1:${port}${prefix}/document`),
  });
  return { port, [Symbol.asyncDispose]: () => server.stop() };
}

/** `pn.serve` from a program, raised to 150 MiB, with the files application at `/files`. */
export async function pnServe(): Promise<PanelServer> {
  let port = 0;
  const server = await ServerProcess.start({
    name: 'pn.serve',
    command: venvProgram('modern', 'python'),
    args: [app('serve_files.py')],
    env,
    ready: async () => port !== 0,
    onLine: (line) => {
      if (line.startsWith('{')) ({ port } = JSON.parse(line) as { port: number });
    },
  });
  return { port, [Symbol.asyncDispose]: () => server.stop() };
}
