/**
 * A rate for each of many keys. It admits what a token bucket would, and keeps one number for each key: the time at
 * which all that it took is paid off (GCRA, ITU-T I.371). There is no timer, and a key that is quiet is forgotten.
 */

/** One in so many milliseconds, and so many at once after a quiet time. */
interface Pace {
  readonly eachMs: number;
  readonly burst: number;
}

/** Times that were added up differ from the clock's by far less. */
const roundingMs = 1e-6;

export class KeyedRate {
  #pace: Pace;
  readonly #mostKeys: number;
  /** The one that took or asked in vain last stands last. */
  readonly #paidAtMs = new Map<string, number>();

  /** Of more keys than `mostKeys` the one that has been idle for longest is forgotten; each takes about 150 bytes. */
  constructor(pace: Pace, mostKeys: number) {
    this.#pace = pace;
    this.#mostKeys = mostKeys;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#paidAtMs.size;
  }

  /** Goes on at another pace, at which nobody owes more than a whole burst. */
  change(pace: Pace, nowMs: number): void {
    const { eachMs, burst } = this.#pace;
    this.#pace = pace;
    if (eachMs === pace.eachMs && burst === pace.burst) return;
    const mostMs = nowMs + pace.burst * pace.eachMs;
    for (const [key, paidAtMs] of this.#paidAtMs) if (paidAtMs > mostMs) this.#paidAtMs.set(key, mostMs);
  }

  /** In how many milliseconds a key may take; 0 for at once. */
  waitMs(key: string, nowMs: number): number {
    const { eachMs, burst } = this.#pace;
    const paidAtMs = this.#paidAtMs.get(key);
    const waitMs = (paidAtMs ?? nowMs) - nowMs - (burst - 1) * eachMs;
    if (paidAtMs === undefined || waitMs <= roundingMs) return 0;
    // Whoever asks all the while is not idle, and would have a burst anew once it is forgotten.
    this.#paidAtMs.delete(key);
    this.#paidAtMs.set(key, paidAtMs);
    return waitMs;
  }

  /** Takes one, whether it may or not. */
  charge(key: string, nowMs: number): void {
    const paidAtMs = Math.max(this.#paidAtMs.get(key) ?? nowMs, nowMs) + this.#pace.eachMs;
    this.#paidAtMs.delete(key);
    this.#paidAtMs.set(key, paidAtMs);
    for (const [oldest, paid] of this.#paidAtMs) {
      if (this.#paidAtMs.size <= this.#mostKeys && paid > nowMs) break;
      this.#paidAtMs.delete(oldest);
    }
  }

  /** Takes one if it may. Returns 0, or in how many milliseconds it may. */
  take(key: string, nowMs: number): number {
    const waitMs = this.waitMs(key, nowMs);
    if (waitMs === 0) this.charge(key, nowMs);
    return waitMs;
  }
}
