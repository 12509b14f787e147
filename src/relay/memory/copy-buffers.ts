/**
 * Buffers for copies. They are used again, or freed at once, because V8 does not see their memory on its heap and
 * collects it too late. With an allocation for each copy, 200 busy connections left 80 MB of garbage between two
 * collections, and when 1400 connections had ended for their memory, 100 MB more than was counted were still there
 * (measured).
 */

/** Of many small ones, freeing each costs more than it gives back. */
export const worthFreeing = 512;
/** The most spares of one size. The memory budget does not count them. */
const mostSpares = 32;

/** Buffers of one size that nothing reads from. */
class Spares {
  readonly size: number;
  readonly #buffers: Buffer[] = [];
  /** How many spares nobody has wanted since the last trim. */
  #idle = 0;

  constructor(size: number) {
    this.size = size;
  }

  take(): Buffer {
    const buffer = this.#buffers.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(this.size);
    if (this.#buffers.length < this.#idle) this.#idle = this.#buffers.length;
    return buffer;
  }

  give(buffer: Buffer): void {
    if (this.#buffers.length < mostSpares) this.#buffers.push(buffer);
    else freeBuffer(buffer);
  }

  trim(): void {
    for (const buffer of this.#buffers.splice(this.#buffers.length - this.#idle)) freeBuffer(buffer);
    this.#idle = this.#buffers.length;
  }
}

const small = new Spares(4 * 1024);
/** One read of the shared buffer. */
const medium = new Spares(32 * 1024);
/** The largest piece of a queue. */
const large = new Spares(64 * 1024);

/** A buffer of at least `length` bytes. */
export function takeBuffer(length: number): Buffer {
  if (length <= small.size) return small.take();
  if (length <= medium.size) return medium.take();
  return length <= large.size ? large.take() : Buffer.allocUnsafeSlow(length);
}

/** A buffer of exactly `length` bytes, for what may wait long. */
export function takeExactBuffer(length: number): Buffer {
  const pooled = length === small.size || length === medium.size || length === large.size;
  return pooled ? takeBuffer(length) : Buffer.allocUnsafeSlow(length);
}

/** Gives a buffer back. Nothing may read from it any more. */
export function giveBuffer(buffer: Buffer): void {
  const { length } = buffer;
  if (length === small.size) small.give(buffer);
  else if (length === medium.size) medium.give(buffer);
  else if (length === large.size) large.give(buffer);
  else freeBuffer(buffer);
}

/** The same bytes in memory of their own: what waits must not keep what Node shares among many small buffers. */
export function ownBuffer(buffer: Buffer): Buffer {
  return isOwn(buffer) ? buffer : copyBytes(buffer);
}

function isOwn(buffer: Buffer): boolean {
  return buffer.length === buffer.buffer.byteLength;
}

/** Frees a buffer's memory at once. Nothing may read from it any more, not even a write that Node has under way. */
export function freeBuffer(buffer: Buffer): void {
  // A view of something larger, such as Node's pool, is not ours to free. What has been freed is empty.
  if (buffer.length > 0 && isOwn(buffer)) (buffer.buffer as ArrayBuffer).transfer(0);
}

/** A copy that is somebody's own, and can be freed. `Buffer.from` puts small ones into memory that many share. */
export function copyBytes(chunk: Buffer, start = 0, end = chunk.length): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  chunk.copy(copy, 0, start, end);
  return copy;
}

/** One buffer in the place of many, which are freed. */
export function joinBuffers(parts: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
    if (part.length >= worthFreeing) freeBuffer(part);
  }
  return joined;
}

/** Drops what was not wanted since the last call; the registry calls it about once a second. */
export function trimBuffers(): void {
  small.trim();
  medium.trim();
  large.trim();
}
