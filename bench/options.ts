/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Names of peers or workloads; empty runs everything. */
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly repeat: number;
  /** Exit 1 where an "at least" does not hold. */
  readonly check: boolean;
}

export const usage = `usage: npm run bench -- [--only NAME]... [--quick] [--repeat N] [--check]

  --only NAME   a peer, a workload, limits (on against off) or auth (on another route against nowhere); may be repeated
  --quick       two windows, one round: to see that it works, not to quote from
  --repeat N    rounds, each with new processes (default 3, with --quick 1)
  --check       exit 1 if a number that must hold does not`;

/** Reads the command line; a string is what is wrong with it. */
export function readOptions(argv: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        quick: { type: 'boolean', default: false },
        repeat: { type: 'string' },
        check: { type: 'boolean', default: false },
      },
    });
    const repeat = values.repeat === undefined ? (values.quick ? 1 : 3) : Number(values.repeat);
    if (!Number.isInteger(repeat) || repeat < 1)
      return `--repeat ${values.repeat}: a whole number of at least 1 is expected`;
    return { only: values.only, quick: values.quick, repeat, check: values.check };
  } catch (error) {
    return (error as Error).message;
  }
}
