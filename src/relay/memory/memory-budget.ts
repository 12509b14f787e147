/**
 * What the buffers of all connections hold together, in allocated bytes: pieces of send queues, bytes that a write
 * still reads from, tails that wait for a rate, and leased read buffers. Each allocation is counted when it is made, so
 * the bound holds between two ticks too.
 *
 *   calm ──3/4──► pressed: a sender is read while that fits into its share, no leases, no handshakes
 *        ────1──► spent:   nobody may add, the largest go
 *
 * What a single read adds before its sender is paused is the only excess.
 *
 * A share is a part of what is left (the dynamic threshold of switches: Choudhury and Hahne, 1998). So the first
 * connections leave room for later ones, however many come. When little is left, one read is all that waits for each.
 */

import type { MemoryHolder } from '../../admission/memory.ts';

/** The most that one read adds to what is held where no buffer has been lent for it, in bytes. */
export const unlentRead = 32 * 1024;

/** Pressure begins here. Each sender has one more read before its pause, so this must be well below the bound. */
const pressedAt = 3 / 4;
/** A sender's share of what is left: 64 may fill theirs one after another until it has fallen to a third. */
const shareOfRest = 1 / 64;

export class MemoryBudget {
  /** Bytes that are held now. */
  usedBytes = 0;
  /** Bytes that were let go, and that Node writes from until their socket has closed. */
  lingeringBytes = 0;
  /** Who else ends when more is held than may be, beside the relay's connections. */
  readonly holders = new Set<MemoryHolder>();
  #limit: number;
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

  /** Whether a sender may be read once more while its receiver lags behind and `held` bytes are allocated for it. */
  allowsRead(held: number): boolean {
    return held + unlentRead <= this.#share();
  }

  /** Whether a sender that was paused may be read again when `waiting` bytes of it are left. */
  allowsResuming(waiting: number): boolean {
    return waiting <= this.#share() / 4;
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

  /** What may wait of one sender, in bytes. */
  #share(): number {
    return this.pressed ? Math.max(0, this.#limit - this.usedBytes) * shareOfRest : Number.POSITIVE_INFINITY;
  }

  #check(): void {
    if (this.usedBytes > this.#limit) this.#onSpent();
  }
}
