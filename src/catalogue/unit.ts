/** In which unit a limit is counted. */
import { type LimitName, limits } from './limits.ts';
import type { LimitKind } from './row.ts';

/** The unit of a value. */
export type Unit = 'bytes' | 'ms' | 'count' | 'messages_per_second' | 'bytes_per_second';

const units: Readonly<Record<LimitKind, Unit>> = {
  size: 'bytes',
  size_or_unlimited: 'bytes',
  duration: 'ms',
  count: 'count',
  count_or_unlimited: 'count',
  message_rate: 'messages_per_second',
  byte_rate: 'bytes_per_second',
  control_rate: 'messages_per_second',
};

/** The unit in which a violation tells what was observed and what is configured. */
export function unitOf(limit: LimitName): Unit {
  return units[limits[limit].kind];
}
