/** Clocks for tests. */
import type { Alarm, Clock } from '../../src/relay/core/clock.ts';

/** The global clock, which fake timers replace. */
export const globalClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

interface Call {
  readonly at: number;
  readonly call: () => void;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: number;
  readonly #calls = new Set<Call>();

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): Alarm {
    const entry = { at: this.#now + ms, call };
    this.#calls.add(entry);
    return { cancel: () => this.#calls.delete(entry) };
  }

  /** Goes on by `ms`; whatever is due on the way is called at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#calls].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#calls.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
    }
    this.#now = end;
  }

  /** Goes on, a quarter of a second with each turn of the event loop, until there is what only time brings about. */
  async until<T>(event: Promise<T>): Promise<T> {
    let over = false;
    const watch = () => {
      over = true;
    };
    event.then(watch, watch);
    while (!over) {
      this.advance(250);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return event;
  }
}
