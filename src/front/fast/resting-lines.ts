/**
 * Lines on which nothing is under way and that still have read buffers of their own. A reader gives its buffer back
 * with its next small reads, but a line at rest reads nothing. So the clock looks after them.
 */
import type { Passer } from '../../relay/registry.ts';
import type { Line } from './line.ts';
import type { UnderWay } from './under-way.ts';

export class RestingLines implements Passer {
  readonly capacity = 0;
  readonly isShed = false;
  rosterPlace = -1;
  readonly #holders: UnderWay<Passer>;
  readonly #lines = new Set<Line>();

  constructor(holders: UnderWay<Passer>) {
    this.#holders = holders;
  }

  /** Nothing is under way on a line, for now. */
  add(line: Line): void {
    if (!line.transport.leases) return;
    if (this.#lines.size === 0) this.#holders.add(this);
    this.#lines.add(line);
  }

  get sources() {
    return [...this.#lines].map((line) => line.transport);
  }

  tick(): void {
    for (const line of this.#lines) {
      line.transport.yieldBuffer();
      if (!line.transport.leases) this.#lines.delete(line);
    }
    if (this.#lines.size === 0) this.#holders.delete(this);
  }

  yieldMemory(): void {}
  shed(): void {}
}
