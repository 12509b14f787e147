/**
 * The head of a request and what is there of its body, as one write. A server that got the head alone might refuse it,
 * and close before the body comes: then its kernel resets the connection, and the answer is lost.
 */
import type { Keeper } from '../../relay/memory/read-buffers.ts';

export class FirstWrite {
  readonly #pieces: Buffer[];

  constructor(head: Buffer) {
    this.#pieces = [head];
  }

  /** Puts bytes behind the others. Without a keeper they may change at once, and are copied. */
  append(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    const piece = chunk.subarray(start, end);
    this.#pieces.push(keeper === null ? Buffer.from(piece) : piece);
  }

  /** Whether nothing has come behind the head. */
  get isBare(): boolean {
    return this.#pieces.length === 1;
  }

  /** All of it, as a copy. */
  joined(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
