/**
 * One scratch directory for a whole run; at its end, also after Ctrl-C, it goes, and with it every server still there.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Vitest calls this before the first suite; the workers inherit the environment. */
export function setup(): void {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-real-'));
  mkdirSync(join(directory, 'running'));
  process.env.SLUICE_REAL_SCRATCH = directory;
  // An interrupted run may exit before vitest has come to the teardown.
  process.once('exit', teardown);
}

/** Vitest calls this after the last suite. */
export function teardown(): void {
  const directory = process.env.SLUICE_REAL_SCRATCH!;
  if (!existsSync(directory)) return;
  for (const pid of readdirSync(join(directory, 'running'))) {
    try {
      process.kill(-Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  rmSync(directory, { recursive: true, force: true });
}
