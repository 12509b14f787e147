/**
 * Bytes that were read and not parsed, because a rate stopped the parser at a header. They are parsed before reading
 * resumes.
 */
import type { MemoryBudget } from '../memory/memory-budget.ts';

export class Tail {
  /** The only view of its memory, or one of what is left in it. */
  readonly bytes: Buffer;
  readonly #memory: MemoryBudget;

  private constructor(bytes: Buffer, memory: MemoryBudget) {
    this.bytes = bytes;
    this.#memory = memory;
    memory.take(this.capacity);
  }

  /** A copy of the right size, because the bytes stand in a read buffer. */
  static copyOf(bytes: Buffer, memory: MemoryBudget): Tail {
    const copy = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(copy);
    return new Tail(copy, memory);
  }

  /** What is left of a tail that was released; it may stay where it is. */
  static restOf(bytes: Buffer, memory: MemoryBudget): Tail {
    return new Tail(bytes, memory);
  }

  /** Bytes allocated for it. */
  get capacity(): number {
    return this.bytes.buffer.byteLength;
  }

  /** Gives its memory back; call it once. */
  release(): void {
    this.#memory.give(this.capacity);
  }
}
