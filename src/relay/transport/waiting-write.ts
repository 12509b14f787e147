/**
 * The write that the kernel was too full for: Node goes on reading its bytes until the kernel has taken them, or never
 * will. Everything behind it waits.
 *
 *   begin ─► under way ─ landed ─► the kernel's
 *               └ abandon ─► lost: nobody waits for it, and its bytes stay until Node is done with them ─ release
 */
import { giveBuffer } from '../memory/copy-buffers.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import type { Keeper } from '../memory/read-buffers.ts';
import type { Output } from './output.ts';
import type { Piece } from './send-queue.ts';

export class WaitingWrite {
  /** What the kernel has not taken, whole; `null` too once that is abandoned. */
  piece: Piece | null = null;
  /** Bytes allocated for it; what a lease keeps is counted where it was lent. */
  capacity = 0;
  /** What Node reads from until it says that it is done: a copy, or what a keeper is pinned for. */
  #copy: Buffer | null = null;
  #keeper: Keeper | null = null;
  /** Bytes of it that were abandoned before Node was done with them. */
  #lingeringBytes = 0;
  readonly #output: Output;
  readonly #budget: MemoryBudget;

  constructor(output: Output, budget: MemoryBudget) {
    this.#output = output;
    this.#budget = budget;
  }

  /** A write of a copy goes on; `copy` is the whole buffer that it stands in. */
  ofCopy(piece: Piece, copy: Buffer): void {
    this.#copy = copy;
    this.#begin(piece, copy.length);
  }

  /** A write of what somebody keeps goes on. */
  ofKept(piece: Piece, keeper: Keeper): void {
    keeper.pin();
    this.#keeper = keeper;
    // What nobody lent is counted nowhere else.
    this.#begin(piece, keeper.lent ? 0 : piece.bytes.buffer.byteLength);
  }

  /** The kernel has taken it. */
  landed(): void {
    this.piece = null;
    this.#budget.give(this.capacity);
    this.capacity = 0;
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    if (this.piece !== null && this.#copy !== null && this.#output.copies === 0) {
      this.#lingeringBytes = this.capacity;
      this.#budget.lingeringBytes += this.#lingeringBytes;
    }
    this.landed();
  }

  /** Node reads from its bytes no more, also where it was abandoned. */
  release(): void {
    const keeper = this.#keeper;
    const copy = this.#copy;
    this.#keeper = null;
    this.#copy = null;
    this.#budget.lingeringBytes -= this.#lingeringBytes;
    this.#lingeringBytes = 0;
    keeper?.unpin();
    // What TLS does at its end is not ours to know.
    if (copy !== null && (this.#output.copies === 0 || !this.#output.destroyed)) giveBuffer(copy);
  }

  #begin(piece: Piece, capacity: number): void {
    this.piece = piece;
    this.capacity = capacity + piece.length * this.#output.copies;
    this.#budget.take(this.capacity);
  }
}
