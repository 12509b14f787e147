/**
 * When a drain closes which connection, and when it cuts it. All times are of one clock, in ms.
 *
 *   started ── announce ──► closing ── slots of `spread` ──┐         ┌► deadline: cut
 *                                                          └─ `wait` ┴ a second before: 1012 to whoever is left
 */
import type { RouteDrain } from '../config/types.ts';

/** Enough for a peer that can be reached to hear why; whoever ends a process by force allows about as much. */
export const lastWordsMs = 1000;
/** Somebody who sent or got nothing for that long is not in the middle of something. */
const recentMs = 10_000;

/** How a connection's route wants it drained. */
export interface DrainRule extends Pick<RouteDrain, 'close' | 'spreadMs' | 'deadlineMs'> {
  /** How long a goodbye may take. */
  readonly closeMs: number;
}

/** A connection that wants a slot. */
export interface Candidate {
  /** Slots are spread among the connections of one route. */
  readonly route: string;
  readonly rule: DrainRule;
  /** Since its last data, either direction. */
  readonly idleMs: number;
}

/** The times of a drain that hold for all its connections. */
export interface DrainTimes {
  readonly startedAt: number;
  /** When handshakes began to be refused: the spread begins here. */
  readonly closingAt: number;
  /** No deadline is later than this. Somebody who cannot wait sets it; `Infinity` before. */
  readonly limitAt: number;
  /** No deadline is earlier than this: one that comes with a new configuration may be over already. */
  readonly leastAt: number;
}

/** When a connection hears 1012, and when it is dropped if it is still there. */
export interface Slot {
  readonly closeAt: number;
  readonly cutAt: number;
}

/** When the rest of a route is cut. */
export function deadlineOf(deadlineMs: number, { startedAt, limitAt, leastAt }: Omit<DrainTimes, 'closingAt'>) {
  return Math.min(Math.max(startedAt + deadlineMs, leastAt), limitAt);
}

/** When handshakes are refused from: after `announceMs`, but early enough for the first deadline's last words. */
export function announceEnd(startedAt: number, announceMs: number, deadlinesMs: readonly number[]): number {
  const firstMs = Math.min(...deadlinesMs) - lastWordsMs;
  return startedAt + Math.max(0, Math.min(announceMs, firstMs));
}

/**
 * One slot for each candidate, in their order. A route's window is cut into as many equal parts as it has connections;
 * each gets one of its own and a random moment in it, so that closes are even however few there are. Idle connections
 * get the early parts. `random` gives numbers from 0 to below 1.
 */
export function assignSlots(
  candidates: readonly Candidate[],
  times: DrainTimes,
  now: number,
  random: () => number,
): Slot[] {
  const part = partsOf(candidates, random);
  return candidates.map(({ rule }, i) => {
    const cutAt = deadlineOf(rule.deadlineMs, times);
    const lastWordsAt = Math.max(now, cutAt - lastWordsMs);
    if (rule.close === 'wait') return { closeAt: lastWordsAt, cutAt };
    const windowMs = Math.max(0, windowEnd(rule, times, cutAt) - now);
    const { index, of } = part[i]!;
    return { closeAt: Math.min(now + (windowMs * (index + random())) / of, lastWordsAt), cutAt };
  });
}

/** When the last slot is: a goodbye before the deadline, though never in the first half of what is left until then. */
function windowEnd({ spreadMs, closeMs }: DrainRule, { closingAt }: DrainTimes, cutAt: number): number {
  return Math.min(closingAt + spreadMs, Math.max(cutAt - closeMs, (closingAt + cutAt) / 2));
}

interface Part {
  readonly index: number;
  readonly of: number;
}

/** The part of its route's window that each candidate gets: idle ones first, in random order among themselves. */
function partsOf(candidates: readonly Candidate[], random: () => number): Part[] {
  const drawn = candidates.map(({ idleMs }, i) => ({ i, active: idleMs < recentMs, lot: random() }));
  drawn.sort((a, b) => Number(a.active) - Number(b.active) || a.lot - b.lot);
  const parts: Part[] = new Array(candidates.length);
  for (const members of Map.groupBy(drawn, ({ i }) => candidates[i]!.route).values()) {
    for (const [index, { i }] of members.entries()) parts[i] = { index, of: members.length };
  }
  return parts;
}
