/**
 * The head of a request and what is there of its body, as one write. A server that got the head alone might refuse it,
 * and close before the body comes: then its kernel resets the connection, and the answer is lost.
 */
export class FirstWrite {
  readonly #pieces: Buffer[];

  constructor(head: Buffer) {
    this.#pieces = [head];
  }

  /** Puts bytes behind the others; they must stand still until `joined`. */
  append(chunk: Buffer, start: number, end: number): void {
    this.#pieces.push(chunk.subarray(start, end));
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
