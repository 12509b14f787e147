/**
 * What has been read from one sender and waits, in three places:
 *
 *   tail     not parsed yet, because something stopped the parser at a header; parsed before reading resumes
 *   stage    held until its message is whole
 *   outlet   on its way to a receiver whose kernel has not accepted it
 */
import type { SenderLimits } from '../../config/types.ts';
import { belowLowMark, highMark } from '../../limits/watermarks.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';
import type { Outlet } from './sides.ts';
import type { Stage } from './stage.ts';

export class Backlog {
  /** What the sender's messages go through now. */
  stage: Stage;
  readonly #out: Outlet;
  readonly #memory: MemoryBudget;
  /** The only view of its memory, or one of what is left in it. */
  #tail: Buffer | null = null;
  /** What was dropped of the tail and of the stage, in bytes. */
  #dropped = 0;

  constructor(stage: Stage, out: Outlet, memory: MemoryBudget) {
    this.stage = stage;
    this.#out = out;
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#out.bufferedBytes + this.stage.heldBytes + (this.#tail === null ? 0 : this.#tail.length);
  }

  /** Bytes allocated for them. */
  get capacity(): number {
    return this.#out.capacity + this.stage.capacity + (this.#tail === null ? 0 : this.#tail.buffer.byteLength);
  }

  /** Bytes that nobody got; known when the receiver's socket is gone. */
  get undeliveredBytes(): number {
    return this.#out.undeliveredBytes + this.#dropped;
  }

  get hasTail(): boolean {
    return this.#tail !== null;
  }

  /** Keeps bytes that are not parsed. `inPlace`: they are what is left of a tail that was taken, and may stay there. */
  holdTail(bytes: Buffer, inPlace: boolean): void {
    if (inPlace) {
      this.#tail = bytes;
    } else {
      // A copy of the right size, because the bytes stand in a read buffer.
      this.#tail = Buffer.allocUnsafeSlow(bytes.length);
      bytes.copy(this.#tail);
    }
    this.#memory.take(this.#tail.buffer.byteLength);
  }

  takeTail(): Buffer | null {
    const tail = this.#tail;
    if (tail === null) return null;
    this.#memory.give(tail.buffer.byteLength);
    this.#tail = null;
    return tail;
  }

  /** Nobody will get the tail. */
  dropTail(): void {
    this.#dropped += this.takeTail()?.length ?? 0;
  }

  /** Nobody will get what the stage holds. */
  dropHeld(): void {
    this.#dropped += this.stage.heldBytes;
    this.stage.drop();
  }

  /** Why the sender must be paused, if its receiver lags too far behind. A tail alone does not wait for that. */
  overflow(limits: SenderLimits): 'buffer' | 'queue' | 'memory' | null {
    const { blocked, bufferedBytes, queuedMessages } = this.#out;
    if (!blocked) return null;
    const cause = highMark(bufferedBytes, queuedMessages, limits);
    // A lease's bytes are not part of the capacity.
    return cause ?? (this.#memory.allowsRead(Math.max(this.bytes, this.capacity)) ? null : 'memory');
  }

  /** Whether the receiver has caught up. */
  hasDrained(limits: SenderLimits): boolean {
    const { bufferedBytes, queuedMessages } = this.#out;
    return belowLowMark(bufferedBytes, queuedMessages, limits) && this.#memory.allowsResuming(bufferedBytes);
  }
}
