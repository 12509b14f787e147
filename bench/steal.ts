/**
 * A virtual machine whose host gives its cores to others for a while stands still without knowing it, and what runs
 * then is charged for a part of that: windows with ten times the CPU of their neighbours have been seen. The kernel
 * knows how long.
 */
import { readFileSync } from 'node:fs';
import type { Cores } from './processes.ts';

/** The kernel counts in steps of 10 ms: one step may have begun long before. */
const mostStolenSeconds = 0.015;
/** A host that is never quiet for so long is measured as it is. */
const mostAttempts = 5;

/**
 * Seconds for which the host has given these cores to others, together; `null` is all cores, `stat` is `/proc/stat`.
 */
export function stolenSeconds(cores: Cores | null, stat = readFileSync('/proc/stat', 'utf8')): number {
  // A machine may have cores beside ours, and what happens there disturbs nobody here.
  const names = new Set(cores === null ? ['cpu'] : Object.values(cores).map((core) => `cpu${core}`));
  const lines = stat.split('\n').map((line) => line.split(/\s+/));
  const ticks = lines.filter(([name = '']) => names.has(name)).map((fields) => Number(fields[8]));
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

/** Measures until the host has kept its hands off, and says how often that took another attempt. */
export async function undisturbed<T>(
  measure: () => Promise<T>,
  stolen: () => number,
): Promise<{ readonly value: T; readonly repeats: number }> {
  for (let repeats = 0; ; repeats++) {
    const before = stolen();
    const value = await measure();
    if (stolen() - before <= mostStolenSeconds || repeats + 1 >= mostAttempts) return { value, repeats };
  }
}
