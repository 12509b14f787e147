/** Ends the connections that have waited too long, some in each round of the event loop. */
import type { Waiting } from './waiting.ts';

/** How often they are looked for, at least. */
const tickMs = 1000;
/**
 * How many who are late are ended in one round of the event loop, some 5 ms of a core: each may get an answer and a
 * line in the log. Thousands of one address can be late in the same moment.
 */
const latePerRound = 64;

export class LateClock {
  readonly #waiting: Waiting;
  #timer: NodeJS.Timeout | undefined;
  /** Some who are late are still to be ended. */
  #endsLate = false;

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  get runs(): boolean {
    return this.#timer !== undefined;
  }

  /** Looks at the times from now on. `shortestMs`: the shortest that anybody is given; 0 for none. */
  start(shortestMs: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.look(), Math.min(tickMs, shortestMs || tickMs)).unref();
  }

  /** Looks now. Bytes that came while the process was busy or stopped are read before anybody is found late. */
  look(): void {
    if (!this.#endsLate) setImmediate(this.#endLate);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Ends those who wait and are late, in as many rounds as that takes. */
  readonly #endLate = (): void => {
    this.#endsLate = this.#waiting.tick(latePerRound);
    if (this.#endsLate) setImmediate(this.#endLate);
  };
}
