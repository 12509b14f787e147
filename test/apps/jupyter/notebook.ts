/** The notebooks of Voila's tests. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchDirectory, venvProgram } from '../../real/harness/paths.ts';

/** Lets a script write one, and gives its path. */
export function notebook(script = 'notebook.py', env: NodeJS.ProcessEnv = {}): string {
  const path = join(scratchDirectory('voila'), 'page.ipynb');
  const program = fileURLToPath(new URL(script, import.meta.url));
  execFileSync(venvProgram('apps-jupyter', 'python'), [program, path], { env: { ...process.env, ...env } });
  return path;
}
