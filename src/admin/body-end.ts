/** Where the body of a request ends, as far as its head says so. Judging it is the parser's business. */
import { ChunkedEnd } from '../http/message-end.ts';

export interface BodyEnd {
  /** Returns the index behind the body; −1 if the chunk ends before. */
  find(chunk: Uint8Array, from: number): number;
}

const chunks = /\r?\ntransfer-encoding:/i;
const length = /\r?\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r?\n/i;

/** Follows the body that a head announces; `null` if it announces none. */
export function bodyEndOf(head: string): BodyEnd | null {
  if (chunks.test(head)) return new ChunkedEnd();
  const declared = Number(length.exec(head)?.[1] ?? 0);
  return declared === 0 ? null : new Counted(declared);
}

class Counted implements BodyEnd {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  find(chunk: Uint8Array, from: number): number {
    const end = from + this.#left;
    if (end <= chunk.length) return end;
    this.#left -= chunk.length - from;
    return -1;
  }
}
