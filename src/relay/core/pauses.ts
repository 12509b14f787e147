/** Why a sender's socket is not being read, since when, and for how long in all. */
import type { PauseCause, SenderCounters } from '../../observe/metrics/counters.ts';

/**
 * `drain` holds the upstream while its client says goodbye. `answers` holds a sender that does not read what it is
 * answered. Neither is counted as a pause.
 */
export type HoldCause = PauseCause | 'drain' | 'answers';

const none: ReadonlyMap<HoldCause, number> = new Map();
const causes: readonly HoldCause[] = ['buffer', 'queue', 'rate', 'memory', 'drain', 'answers'];

export class Pauses {
  /** Pauses so far, and the time they took in milliseconds (without the present one). */
  count = 0;
  totalMs = 0;
  readonly #counters: SenderCounters;
  /** Made at the first pause, because most senders are never paused. */
  #since: Map<HoldCause, number> | null = null;
  #pausedAt: number | null = null;

  constructor(counters: SenderCounters) {
    this.#counters = counters;
  }

  /** When the present pause began; `null` for none. */
  get pausedAt(): number | null {
    return this.#pausedAt;
  }

  /** The causes that hold the sender now, each with the time it began. */
  get causes(): ReadonlyMap<HoldCause, number> {
    return this.#since ?? none;
  }

  get any(): boolean {
    return this.#since !== null && this.#since.size > 0;
  }

  has(cause: HoldCause): boolean {
    return this.#since?.has(cause) ?? false;
  }

  /** Whether the sender waits for its receiver, rather than for a rate or a goodbye. */
  get waitsForReceiver(): boolean {
    return this.has('buffer') || this.has('queue') || this.has('memory');
  }

  /** Adds a cause. Returns whether it is the first: then the socket must be paused. */
  add(cause: HoldCause, now: number): boolean {
    if (this.has(cause)) return false;
    const first = !this.any;
    this.#since ??= new Map();
    this.#since.set(cause, now);
    if (first) this.#pausedAt = now;
    if (isCounted(cause)) {
      this.#counters.pauses[cause]++;
      if (first) this.count++;
    }
    return first;
  }

  /** Removes a cause. Returns whether it was the last: then the sender may go on. */
  remove(cause: HoldCause, now: number): boolean {
    const since = this.#since?.get(cause);
    if (since === undefined) return false;
    this.#since?.delete(cause);
    if (isCounted(cause)) this.#counters.pausedMs[cause] += now - since;
    if (this.any) return false;
    this.totalMs += now - this.#pausedAt!;
    this.#pausedAt = null;
    return true;
  }

  /** Ends all, when the connection does. */
  clear(now: number): void {
    for (const cause of causes) this.remove(cause, now);
  }
}

function isCounted(cause: HoldCause): cause is PauseCause {
  return cause !== 'drain' && cause !== 'answers';
}
