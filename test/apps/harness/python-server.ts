/** Starts an app's own server on a free port. */
import { fileURLToPath } from 'node:url';
import { scratchDirectory, venvProgram } from '../../real/harness/paths.ts';
import { freePort } from '../../real/harness/ports.ts';
import { answers, ServerProcess } from '../../real/harness/server-process.ts';
import type { RunningApp } from './page-suite.ts';

/** How to start it; `{port}` in an argument stands for the port. */
export interface PythonServer {
  readonly part: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Answers a GET when the server is up. */
  readonly probe: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Of the page or the WebSocket. */
  readonly path?: string;
}

/** Starts it in its part's folder, with a home of its own, and waits until it answers. */
export async function startPython({ part, program, args, probe, env, path = '/' }: PythonServer): Promise<RunningApp> {
  const port = await freePort();
  const process_ = await ServerProcess.start({
    name: part,
    command: venvProgram(`apps-${part}`, program),
    args: args.map((arg) => arg.replace('{port}', String(port))),
    cwd: fileURLToPath(new URL(`../${part}/`, import.meta.url)),
    env: { HOME: scratchDirectory('home'), PYTHONDONTWRITEBYTECODE: '1', ...env },
    ready: answers(`http://127.0.0.1:${port}${probe}`),
    readyWithinMs: 90_000,
  });
  return { port, path, [Symbol.asyncDispose]: () => process_.stop() };
}
