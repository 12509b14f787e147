/**
 * The work of one kind that one round of the event loop may do. A round reads every socket that has something, each
 * many times. A hundred senders of empty messages, six bytes each, brought forty million frames in one round, and
 * everybody else waited six seconds. So a round has a budget: whoever finds it spent waits, and goes on in one of the
 * rounds after it, in the order in which they came.
 */

import { contain } from '../../mistakes.ts';

/** What a round may do, in the unit that its owner counts: frames, chunks, bytes. */
export interface RoundLimits {
  /** The work of one round; a round has at least half of it. */
  readonly work: number;
  /** Work that is done at once and not counted, because it keeps nobody waiting. */
  readonly free: number;
  /** How many of those who wait go on in one round. */
  readonly waiters: number;
}

/** One that waits for a round of its own. */
export interface RoundWaiter {
  /** Its round has come: it may go on, if it still wants to. */
  onRound(): void;
  /** Drops its connection: a mistake was made in its round, and it would wait for ever. */
  reset(): void;
}

export class RoundBudget {
  readonly #afterRound: (call: () => void) => void;
  readonly #limits: RoundLimits;
  #left: number;
  /** The end of this round is waited for. */
  #ends = false;
  readonly #waiting = new Set<RoundWaiter>();

  /** `afterRound` calls when the round that is under way is over: `setImmediate`, but for tests. */
  constructor(afterRound: (call: () => void) => void, limits: RoundLimits) {
    this.#afterRound = afterRound;
    this.#limits = limits;
    this.#left = limits.work;
  }

  /** Nothing is left of this round. */
  get spent(): boolean {
    return this.#left < 0;
  }

  /** So many wait that a newcomer would overtake them, were it let in. */
  get crowded(): boolean {
    return this.#waiting.size > this.#limits.waiters;
  }

  /** Counts the work that somebody has done at once. `false`: before doing more of it they have to `wait`. */
  spend(work: number): boolean {
    if (work <= this.#limits.free) return true;
    this.#left -= work;
    // Asking for the end of each round would cost more than a round with little work in it.
    if (this.#left < this.#limits.work / 2) this.#awaitEnd();
    return this.#left >= 0;
  }

  /** Calls the waiter in a later round, once, however often it has asked. */
  wait(waiter: RoundWaiter): void {
    this.#waiting.add(waiter);
    this.#awaitEnd();
  }

  #awaitEnd(): void {
    if (this.#ends) return;
    this.#ends = true;
    this.#afterRound(this.#begin);
  }

  readonly #begin = (): void => {
    this.#ends = false;
    this.#left = this.#limits.work;
    const next: RoundWaiter[] = [];
    for (const waiter of this.#waiting) {
      if (next.length === this.#limits.waiters) break;
      next.push(waiter);
    }
    for (const waiter of next) {
      // Most only read on, and their work is still to come. Those who work at once may spend the round.
      if (this.spent) break;
      this.#waiting.delete(waiter);
      contain(
        () => waiter.onRound(),
        () => waiter.reset(),
      );
    }
    if (this.#waiting.size > 0) this.#awaitEnd();
  };
}
