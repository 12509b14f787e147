/** Sluice's program, for tests that start it. */
import { join } from 'node:path';

/** As it stands. */
export const source = join(import.meta.dirname, '../../src/main.ts');

/** As one file (test/bundle.ts), which starts in half the time; as it stands where there is none. */
export const program = process.env.SLUICE_PROGRAM ?? source;

// For programs that are started from here alone. The processes of the run would write what they have compiled when they
// end, into a folder that is being removed.
const compiled = process.env.SLUICE_COMPILED;
if (compiled !== undefined) process.env.NODE_COMPILE_CACHE = compiled;

/**
 * What it would begin anew for where it is not given (src/cli/small-process.ts). With it a start takes a tenth less
 * CPU.
 */
export const small = {
  flags: ['--max-semi-space-size=8', '--v8-pool-size=1'],
  env: { MALLOC_ARENA_MAX: '1' },
} as const;
