/**
 * Every state of an object while something happens to it, as the API server tells it: none between two polls is missed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Namespace } from './namespace.ts';
import type { KubernetesObject } from './objects.ts';
import { clusterProgram } from './paths.ts';

/** Calls `see` with the object as it is, then at each change; resolves when the first has been seen. */
export async function watch<T extends KubernetesObject>(
  namespace: Namespace,
  object: string,
  see: (state: T) => void,
): Promise<{ stop(): Promise<void> }> {
  const args = [`--kubeconfig=${namespace.kubeconfig}`, `--namespace=${namespace.name}`];
  const child = spawn(clusterProgram('kubectl'), [...args, 'get', object, '--watch', '--output=json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject).once('exit', () => reject(new Error(`the watch of ${object} ended`)));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      // Objects are printed with indentation, so a closing brace at a line's beginning ends one.
      const parts = (text + chunk).split(/(?<=^})\n/m);
      text = parts.pop()!;
      for (const part of parts) see(JSON.parse(part) as T);
      if (parts.length > 0) resolve();
    });
  });
  return {
    async stop() {
      child.kill();
      await exited;
    },
  };
}
