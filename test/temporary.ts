/** One folder for all that the tests of a run put into the system's for temporary files. It goes with the run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup(): (() => void) | undefined {
  // Made for another project of this run.
  if (process.env.SLUICE_TEMPORARY !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  process.env.SLUICE_TEMPORARY = folder;
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
