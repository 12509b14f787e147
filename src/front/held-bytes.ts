/**
 * Bytes that wait for their turn, in one buffer that grows. A buffer for each read would cost 600 bytes for a byte that
 * comes alone. Joining them anew with each read would cost the square of their number.
 */

const nothing: Buffer = Buffer.alloc(0);
/** Most clients that do not wait for an answer send one small message. */
const firstBytes = 1024;

export class HeldBytes {
  #buffer = nothing;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** What the buffer takes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** What the bytes stand in, and what has been taken of them. Once this is another, nothing more comes of it. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** What is held; good until the next change. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Adds bytes, which are copied. */
  append(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) this.#move(length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Adds a chunk that nobody else writes to. If it is all that is held, it is kept as it is. */
  appendOwned(chunk: Buffer): void {
    if (this.length > 0) {
      this.append(chunk);
      return;
    }
    this.#buffer = chunk;
    this.#start = 0;
    this.#end = chunk.length;
  }

  /** Takes the first `count` bytes, all where there are fewer. */
  take(count = Number.POSITIVE_INFINITY): Buffer {
    const taken = this.#buffer.subarray(this.#start, Math.min(this.#start + count, this.#end));
    this.#start += taken.length;
    if (this.#start === this.#end) this.clear();
    return taken;
  }

  clear(): void {
    this.#buffer = nothing;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Moves what is held to the beginning of a buffer with room for `length` bytes. Bytes that were taken from the old
   * one stay as they are.
   */
  #move(length: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(length, firstBytes, this.length * 2));
    buffer.set(this.bytes);
    this.#end = this.length;
    this.#start = 0;
    this.#buffer = buffer;
  }
}
