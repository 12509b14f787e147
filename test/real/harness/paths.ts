/** Where the environments made by `run.sh` stand, and where a suite may leave files. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * `modern` holds today's servers, `http` those of plain HTTP, `classic` Notebook 6, `apps-…` the apps of a part of
 * `test/apps`.
 */
export type Environment = 'modern' | 'classic' | 'http' | `apps-${string}`;

/** A program of one of the Python environments. */
export function venvProgram(environment: Environment, program: string): string {
  return join(root, '.cache', `venv-${environment}`, 'bin', program);
}

/** What `global-setup.ts` made for this run and removes after it; another set-up may load this file before that. */
const scratch = () => process.env.SLUICE_REAL_SCRATCH!;

/** A fresh directory outside the checkout for one server or browser. */
export function scratchDirectory(name: string): string {
  return mkdtempSync(join(scratch(), `${name}-`));
}

/** The file that says a server with this pid runs, for the clean-up after an interrupted run. */
export function runningMark(pid: number): string {
  return join(scratch(), 'running', String(pid));
}

/** The path of a screenshot that a person may look at after a run. */
export function screenshotPath(name: string): string {
  const directory = join(root, '.cache', 'screens');
  mkdirSync(directory, { recursive: true });
  return join(directory, `${name}.png`);
}
