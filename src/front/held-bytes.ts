/**
 * Bytes that wait for their turn, in one buffer that grows. A buffer for each read would cost 600 bytes for a byte that
 * comes alone. Joining them anew with each read would cost the square of their number. A buffer out of which everything
 * has been read is freed at once: V8 does not see it on its heap.
 */
import { freeBuffer } from '../relay/memory/copy-buffers.ts';

/**
 * The most bytes that are held of what a client sends too early: further requests, a body that nobody takes yet, frames
 * before the 101 (RFC 6455 §4.1 wants a client to wait for it, but some do not). Then TCP pushes back.
 */
export const mostHeldBytes = 64 * 1024;
/** What Node reads once more of a paused socket, in bytes. */
export const readBehindPause = 64 * 1024;

const nothing: Buffer = Buffer.alloc(0);
/** Most clients that do not wait for an answer send one small message. */
const firstBytes = 1024;

export class HeldBytes {
  #buffer = nothing;
  #start = 0;
  #end = 0;
  /** Somebody reads from it now. */
  #lent: Buffer | null = null;

  get length(): number {
    return this.#end - this.#start;
  }

  /** What the buffer takes. */
  get capacity(): number {
    return this.#buffer.length;
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

  /** Adds a chunk that is nobody else's. If it is all that is held, it is kept as it is; else it is copied, and freed. */
  appendOwned(chunk: Buffer): void {
    if (this.length > 0) {
      this.append(chunk);
      freeBuffer(chunk);
    } else this.#stand(chunk, chunk.length);
  }

  /** Takes everything, with its buffer. */
  take(): Buffer {
    const taken = this.bytes;
    this.#buffer = nothing;
    this.clear();
    return taken;
  }

  /** Hands over the first `count` bytes, all where there are fewer. They are read before `to` returns, and not kept. */
  pass(count: number, to: (bytes: Buffer) => void): void {
    const buffer = this.#buffer;
    const passed = buffer.subarray(this.#start, Math.min(this.#start + count, this.#end));
    this.#lent = buffer;
    this.#start += passed.length;
    if (this.#start === this.#end) this.clear();
    to(passed);
    this.#lent = null;
    if (this.#buffer !== buffer) freeBuffer(buffer);
  }

  clear(): void {
    this.#stand(nothing, 0);
  }

  /** Moves what is held to the beginning of a buffer with room for `length` bytes. */
  #move(length: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(length, firstBytes, this.length * 2));
    buffer.set(this.bytes);
    this.#stand(buffer, this.length);
  }

  /** What is held stands at the beginning of another buffer from now on. */
  #stand(buffer: Buffer, length: number): void {
    const before = this.#buffer;
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = length;
    if (before !== this.#lent) freeBuffer(before);
  }
}
