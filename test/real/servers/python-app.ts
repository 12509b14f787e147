/** The Python servers of `apps/`, each started once and told apart by the ports it prints. */
import { fileURLToPath } from 'node:url';
import { venvProgram } from '../harness/paths.ts';
import { ServerProcess } from '../harness/server-process.ts';

/** A running application and its listeners' ports by name. */
export interface PythonApp extends AsyncDisposable {
  readonly ports: Readonly<Record<string, number>>;
}

/** Starts `apps/<name>_app.py` and resolves when it has told its ports. */
export async function startApp(name: 'tornado' | 'fastapi' | 'websockets'): Promise<PythonApp> {
  let ports: Record<string, number> | undefined;
  const server = await ServerProcess.start({
    name,
    command: venvProgram('modern', 'python'),
    args: [fileURLToPath(new URL(`apps/${name}_app.py`, import.meta.url))],
    ready: async () => ports !== undefined,
    onLine: (line) => {
      if (line.startsWith('{')) ports = JSON.parse(line) as Record<string, number>;
    },
  });
  return { ports: ports!, [Symbol.asyncDispose]: () => server.stop() };
}
