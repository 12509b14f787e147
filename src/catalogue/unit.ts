/** The unit in which a limit is counted. */
import type { LimitKind } from './limit-values.ts';
import { type LimitName, limits } from './limits.ts';

/** The unit of a value. */
export type Unit = 'bytes' | 'ms' | 'count' | 'messages_per_second' | 'bytes_per_second';

/** The unit of each kind of limit. */
export const unitOfKind: Readonly<Record<LimitKind, Unit>> = {
  size: 'bytes',
  sizeOrUnlimited: 'bytes',
  duration: 'ms',
  count: 'count',
  countOrUnlimited: 'count',
  messageRate: 'messages_per_second',
  byteRate: 'bytes_per_second',
  controlRate: 'messages_per_second',
};

/** The unit in which a violation tells what was observed and what is configured. */
export function unitOf(limit: LimitName): Unit {
  return unitOfKind[limits[limit].kind];
}
