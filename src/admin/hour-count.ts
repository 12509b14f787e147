/** A count that forgets what is older than an hour. */

const slotMs = 5 * 60_000;
const slots = 12;

/** Counts by slots of five minutes, so an hour is one of 55 to 60 minutes. */
export class HourCount {
  readonly #slots: number[] = new Array(slots).fill(0);
  /** The slot of the last `add` or `count`, numbered since 1970. */
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
    // A clock that is set back counts on in the slot that it had.
    for (let next = Math.max(this.#current + 1, slot - slots + 1); next <= slot; next++) this.#slots[next % slots] = 0;
    this.#current = Math.max(this.#current, slot);
  }
}
