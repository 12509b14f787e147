/**
 * What a connection reports of its violations: the first at once, further ones together once per tick. A sender that
 * exceeds a limit with each of thousands of messages costs a comparison per message.
 */
import type { Violation } from '../../observe/report.ts';

/** Hears of violations; `times` is how many of the same kind, the largest of which is `violation`. */
export interface ViolationListener {
  first(violation: Violation): void;
  further(violation: Violation, times: number): void;
}

export class ViolationNotes {
  readonly #listener: ViolationListener;
  #seen = false;
  #largest: Violation | null = null;
  #times = 0;

  constructor(listener: ViolationListener) {
    this.#listener = listener;
  }

  /** Takes one violation. */
  note(violation: Violation): void {
    if (!this.#seen) {
      this.#seen = true;
      this.#listener.first(violation);
      return;
    }
    if (this.#largest !== null && !alike(this.#largest, violation)) this.flush();
    if (this.#largest === null || violation.observed > this.#largest.observed) this.#largest = violation;
    this.#times++;
  }

  /** Passes on what has come since; called every tick and at the end. */
  flush(): void {
    const violation = this.#largest;
    if (violation === null) return;
    const times = this.#times;
    this.#largest = null;
    this.#times = 0;
    this.#listener.further(violation, times);
  }
}

function alike(a: Violation, b: Violation): boolean {
  return a.limit === b.limit && a.sender === b.sender && a.action === b.action && a.configured === b.configured;
}
