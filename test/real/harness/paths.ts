/** Where the environments made by `run.sh` stand, and where a suite may leave files. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** `modern` holds today's servers, `classic` Notebook 6. */
export type Environment = 'modern' | 'classic';

/** A program of one of the Python environments. */
export function venvProgram(environment: Environment, program: string): string {
  return join(root, '.cache', `venv-${environment}`, 'bin', program);
}

/** A fresh directory outside the checkout for one server or browser; it goes when this test process does. */
export function scratchDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The path of a screenshot that a person may look at after a run. */
export function screenshotPath(name: string): string {
  const directory = join(root, '.cache', 'screens');
  mkdirSync(directory, { recursive: true });
  return join(directory, `${name}.png`);
}
