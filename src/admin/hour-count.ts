/** A count that forgets what is older than an hour. */

const slotMs = 5 * 60_000;
const slots = 12;

/** Counts by slots of five minutes, so an hour is one of 55 to 60 minutes. */
export class HourCount {
  readonly #slots: number[] = new Array(slots).fill(0);
  /** The slot of the last `add` or `count`, by a clock that never goes back. */
  #current = 0;

  add(times: number, now: number): void {
    this.#advance(now);
    this.#slots[this.#current % slots]! += times;
  }

  /** What was added within the last hour. */
  count(now: number): number {
    this.#advance(now);
    return this.#slots.reduce((sum, of) => sum + of, 0);
  }

  #advance(now: number): void {
    const slot = Math.floor(now / slotMs);
    for (let next = Math.max(this.#current + 1, slot - slots + 1); next <= slot; next++) this.#slots[next % slots] = 0;
    this.#current = slot;
  }
}
