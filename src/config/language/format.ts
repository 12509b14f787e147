/** Values back in the units people write, for tables, warnings and the generated reference. */
import type { Rate } from '../../catalogue/limit-values.ts';

const binary: readonly (readonly [string, number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
];
const decimal: readonly (readonly [string, number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
];

/** A size that `parseSize` reads back to the same number; `unlimited` for `Infinity`. */
export function formatSize(bytes: number): string {
  if (bytes === Number.POSITIVE_INFINITY) return 'unlimited';
  for (const [unit, factor] of [...binary, ...decimal]) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}B`;
}

/** A rounded size in decimal units, as file managers show it: `15.7 MB`. */
export function formatFileSize(bytes: number): string {
  if (bytes === Number.POSITIVE_INFINITY) return 'any size';
  for (const [unit, factor] of decimal) {
    if (bytes >= factor) return `${(Math.floor((bytes / factor) * 10) / 10).toString()} ${unit}`;
  }
  return `${bytes} B`;
}

/** A rounded size in binary units, as memory limits are written: `5.49 GiB`. */
export function formatMemory(bytes: number): string {
  for (const [unit, factor] of binary) {
    if (bytes >= factor) return `${Number((bytes / factor).toPrecision(3))} ${unit}`;
  }
  return `${bytes} B`;
}

/** A duration that `parseDuration` reads back to the same number; `off` for 0. */
export function formatDuration(ms: number): string {
  if (ms === 0) return 'off';
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  if (ms % 1000 === 0) return `${ms / 1000}s`;
  return `${ms}ms`;
}

/** A share as `parseShare` reads it. */
export function formatShare(share: number): string {
  return share === 1 ? 'all' : share === 0 ? 'none' : `${Number((share * 100).toFixed(3))}%`;
}

/** A count; `unlimited` for `Infinity`. */
export function formatCount(count: number): string {
  return count === Number.POSITIVE_INFINITY ? 'unlimited' : String(count);
}

/** A rate with what differs from the plain form: `50/s, burst 200`. */
export function formatRate(rate: Rate | null, of: 'messages' | 'bytes', usual: Rate['action'] = 'pause'): string {
  if (rate === null) return 'unlimited';
  const amount = of === 'bytes' ? formatSize : formatCount;
  const burst = rate.burst === rate.perSecond ? '' : `, burst ${amount(rate.burst)}`;
  const action = rate.action === usual ? '' : `, ${rate.action}`;
  return `${amount(rate.perSecond)}/s${burst}${action}`;
}
