/** Counters as tests compare them. */
import type { Tally } from '../../src/observe/metrics/counters.ts';

/** A tally as a plain object, its labels joined by `|`. */
export function counts(tally: Tally<readonly string[]>): Record<string, number> {
  return Object.fromEntries(tally.rows.map(({ labels, count }) => [labels.join('|'), count]));
}
