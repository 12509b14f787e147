/**
 * What the buffers of all connections hold together, in allocated bytes: pieces of send queues, bytes that a write still
 * reads from, tails that wait for a rate, and leased read buffers. Kept up to date by whoever allocates, so that the
 * bound holds between two ticks.
 *
 *   calm ──3/4──► pressed: a sender may fill its share, no leases, no handshakes ──1──► spent: nobody may add, the
 *   largest go. What a single read adds before its sender is paused is the only excess.
 */

/** Where it begins to press: early enough that pausing, which takes one read of each sender, still helps. */
const pressedAt = 3 / 4;

export class MemoryBudget {
  /** Bytes that are held now. */
  usedBytes = 0;
  /** Bytes that are held no more, and that Node still writes from until their socket has closed. */
  lingeringBytes = 0;
  #limit: number;
  /** Buffers that hold something. */
  #holders = 0;
  readonly #onSpent: () => void;

  /** `limit`: bytes; `Infinity` for no bound. `onSpent` is called whenever more is held than that. */
  constructor(limit: number, onSpent: () => void) {
    this.#limit = limit;
    this.#onSpent = onSpent;
  }

  get limitBytes(): number {
    return this.#limit;
  }

  /** Changes the bound; what is held beyond it goes at once. */
  set limitBytes(limit: number) {
    this.#limit = limit;
    this.#check();
  }

  /** What is held, as a share of the bound. */
  get pressure(): number {
    return this.usedBytes / this.#limit;
  }

  /** Whether there is too little left for new connections and leases. */
  get pressed(): boolean {
    return this.usedBytes >= this.#limit * pressedAt;
  }

  get excessBytes(): number {
    return Math.max(0, this.usedBytes - this.#limit);
  }

  /** How much of one sender may wait before it is paused: a fair share when it presses, nothing when all is spent. */
  get allowance(): number {
    if (!this.pressed) return Number.POSITIVE_INFINITY;
    return this.excessBytes > 0 ? 0 : (this.#limit * pressedAt) / Math.max(1, this.#holders);
  }

  /** `bytes` have been allocated. */
  take(bytes: number): void {
    this.usedBytes += bytes;
    this.#check();
  }

  /** `bytes` are free again. */
  give(bytes: number): void {
    this.usedBytes -= bytes;
  }

  /** A buffer that was empty holds something, */
  enter(): void {
    this.#holders++;
  }

  /** and is empty again. */
  leave(): void {
    this.#holders--;
  }

  #check(): void {
    if (this.usedBytes > this.#limit) this.#onSpent();
  }
}
