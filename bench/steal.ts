/**
 * A virtual machine whose host gives its cores to others for a while stands still without knowing it, and what runs then is
 * charged for a part of that: windows with ten times the CPU of their neighbours have been seen. The kernel knows how long.
 */
import { readFileSync } from 'node:fs';

/** The kernel counts in steps of 10 ms: one step may have begun long before. */
const mostStolenSeconds = 0.015;
/** A host that is never quiet for so long is measured as it is. */
const mostAttempts = 5;

/** Seconds for which the host has given this machine's cores to others, all cores together; `stat` is `/proc/stat`. */
export function stolenSeconds(stat = readFileSync('/proc/stat', 'utf8')): number {
  const [, , , , , , , , ticks] = stat.split(/\s+/);
  return Number(ticks) / 100;
}

/** Measures until the host has kept its hands off, and says how often that took another attempt. */
export async function undisturbed<T>(
  measure: () => Promise<T>,
  stolen: () => number = stolenSeconds,
): Promise<{ readonly value: T; readonly repeats: number }> {
  for (let repeats = 0; ; repeats++) {
    const before = stolen();
    const value = await measure();
    if (stolen() - before <= mostStolenSeconds || repeats + 1 >= mostAttempts) return { value, repeats };
  }
}
