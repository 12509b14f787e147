/**
 * What one round of the event loop may do for HTTP when many come at once. A round reads every socket that has
 * something: with a thousand downloads that takes a tenth of a second, and a message on a WebSocket waits for all of
 * them, once on its way in and once on its way out. So a round is given so much work. Whatever finds it spent waits,
 * and goes on in the rounds after it, in the order in which it came.
 */

/** One that has to wait. */
export interface RoundWaiter {
  /** It may go on, if it still wants to. */
  goOn(): void;
}

/** The work of a round, in bytes that are passed on: 4 to 6 ms of a core. */
const bytesPerRound = 4 * 1024 * 1024;
/** A read takes time, however little it brings. */
export const bytesPerRead = 32 * 1024;
/** A connection to an upstream takes more of it. */
export const bytesPerConnection = 256 * 1024;
/** So many go on in a round; each reads once or twice. */
const waitersPerRound = 48;

export class Rounds {
  readonly #afterThis: (call: () => void) => void;
  #left = bytesPerRound;
  #ends = false;
  #waiting: RoundWaiter[] = [];

  /** `afterThis` calls when the round that is under way is over. */
  constructor(afterThis: (call: () => void) => void) {
    this.#afterThis = afterThis;
  }

  /** Nothing more is to be begun in this round. */
  get spent(): boolean {
    return this.#left < 0 || this.#waiting.length > waitersPerRound;
  }

  /** Counts work. With little of it nobody asks when a round ends. */
  took(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < bytesPerRound / 2) this.#awaitEnd();
  }

  /** Goes on when its turn comes. */
  wait(waiter: RoundWaiter): void {
    this.#waiting.push(waiter);
    this.#awaitEnd();
  }

  #awaitEnd(): void {
    if (this.#ends) return;
    this.#ends = true;
    this.#afterThis(this.#begin);
  }

  readonly #begin = (): void => {
    this.#ends = false;
    this.#left = bytesPerRound;
    for (const waiter of this.#waiting.splice(0, waitersPerRound)) waiter.goOn();
    if (this.#waiting.length > 0) this.#awaitEnd();
  };
}
