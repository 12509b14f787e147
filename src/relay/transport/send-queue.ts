/**
 * What waits for a slow receiver: right-sized copies, so that 1 KB waiting costs about 1 KB and no large read buffer
 * is pinned. Small pieces are gathered, so that a million tiny ones cost no more than their bytes.
 */

import { giveBuffer, takeExactBuffer } from '../memory/copy-buffers.ts';
import type { MemoryBudget } from '../memory/memory-budget.ts';

/** Bytes on their way to the kernel. */
export interface Piece {
  readonly bytes: Buffer;
  /** Bytes used; the last piece of the queue may have room left. */
  length: number;
  /** Messages that end in this piece. */
  messages: number;
  /** Opcode of the control frame that this piece is, 0 for data. */
  readonly control: number;
  next: Piece | null;
}

/** The largest piece: small enough that a slow receiver shows progress. */
const maxPiece = 64 * 1024;
const minPiece = 512;

/** A piece that is not part of a queue. */
export function piece(bytes: Buffer, messages: number, control = 0): Piece {
  return { bytes, length: bytes.length, messages, control, next: null };
}

export class SendQueue {
  readonly #budget: MemoryBudget;
  #head: Piece | null = null;
  #tail: Piece | null = null;
  /** Bytes waiting, and bytes allocated for them. */
  bytes = 0;
  capacity = 0;
  /** Messages that end in those bytes. */
  messages = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#head === null;
  }

  /** Copies bytes to the end. `messages` end in them. */
  copy(chunk: Buffer, start: number, end: number, messages: number): void {
    this.bytes += end - start;
    this.messages += messages;
    let from = start;
    while (from < end) {
      let tail = this.#tail;
      if (tail === null || tail.control !== 0 || tail.length === tail.bytes.length) tail = this.#grow(end - from);
      const copied = chunk.copy(tail.bytes, tail.length, from, end);
      tail.length += copied;
      from += copied;
    }
    if (this.#tail !== null) this.#tail.messages += messages;
  }

  /** Puts a control frame at the end, in a piece of its own. */
  push(control: Piece): void {
    this.bytes += control.length;
    this.#link(control);
  }

  /** Takes the first piece out. */
  shift(): Piece | null {
    const head = this.#head;
    if (head === null) return null;
    this.#head = head.next;
    if (this.#head === null) this.#tail = null;
    this.bytes -= head.length;
    this.capacity -= head.bytes.length;
    this.#budget.give(head.bytes.length);
    this.messages -= head.messages;
    return head;
  }

  /** Drops everything. */
  clear(): void {
    for (let dropped = this.shift(); dropped !== null; dropped = this.shift()) giveBuffer(dropped.bytes);
  }

  /** Room for `wanted` bytes: as much as that, or twice the piece before, so that gathering stays cheap. */
  #grow(wanted: number): Piece {
    const before = this.#tail === null || this.#tail.control !== 0 ? 0 : this.#tail.bytes.length;
    const size = Math.min(maxPiece, Math.max(wanted, before * 2, minPiece));
    const grown = piece(takeExactBuffer(size), 0);
    grown.length = 0;
    this.#link(grown);
    return grown;
  }

  #link(added: Piece): void {
    this.capacity += added.bytes.length;
    if (this.#tail === null) this.#head = added;
    else this.#tail.next = added;
    this.#tail = added;
    this.#budget.take(added.bytes.length);
  }
}
