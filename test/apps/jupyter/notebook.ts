/** The notebook of Voila's tests. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchDirectory, venvProgram } from '../../real/harness/paths.ts';

/** Writes it, and gives its path. */
export function notebook(): string {
  const path = join(scratchDirectory('voila'), 'page.ipynb');
  const script = fileURLToPath(new URL('notebook.py', import.meta.url));
  execFileSync(venvProgram('apps-jupyter', 'python'), [script, path]);
  return path;
}
