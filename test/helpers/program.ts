/** Sluice's program, for tests that start it. */
import { join } from 'node:path';

/** As it stands. */
export const source = join(import.meta.dirname, '../../src/main.ts');

/** As one file (test/bundle.ts), which starts in half the time; as it stands where there is none. */
export const program = process.env.SLUICE_PROGRAM ?? source;
