/**
 * A socket before a kernel whose room the test decides, so that a writer can be stopped at any byte. It behaves as
 * `net.Socket` does: a write goes to the kernel at once as far as that has room; what is left is read from the writer's
 * own buffer later, and the callback comes when all of it has been taken.
 */
import type { Socket } from 'node:net';

interface Pending {
  readonly bytes: Uint8Array;
  taken: number;
  readonly done: (() => void) | undefined;
}

export class BlockingSocket {
  destroyed = false;
  writableEnded = false;
  /** Bytes that were written and not taken by the kernel. */
  writableLength = 0;
  /** How much more the kernel takes. */
  room: number;
  readonly #pending: Pending[] = [];
  readonly #taken: Buffer[] = [];

  constructor(room: number) {
    this.room = room;
  }

  /** For code that wants a real one. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** Everything the kernel has taken. */
  get output(): Buffer {
    return Buffer.concat(this.#taken);
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    if (this.destroyed || this.writableEnded) throw new Error('write after the end');
    const write = { bytes, taken: 0, done };
    if (this.#pending.length === 0) this.#take(write);
    if (write.taken < bytes.length || this.#pending.length > 0) {
      this.#pending.push(write);
      this.writableLength += bytes.length;
    } else if (done !== undefined) {
      queueMicrotask(done);
    }
    return this.writableLength === 0;
  }

  end(): void {
    this.writableEnded = true;
  }

  /** Lets the kernel take `bytes` more. */
  accept(bytes: number): void {
    this.room += bytes;
    const done: Pending[] = [];
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      this.#take(first);
      if (first.taken < first.bytes.length) break;
      this.writableLength -= first.bytes.length;
      done.push(this.#pending.shift()!);
    }
    for (const write of done) write.done?.();
  }

  /** Ends it as a reset does: what waits is lost, and the callbacks come all the same. */
  destroy(): void {
    this.destroyed = true;
    const lost = this.#pending.splice(0);
    this.writableLength = 0;
    for (const write of lost) write.done?.();
  }

  #take(write: Pending): void {
    const bytes = Math.min(this.room, write.bytes.length - write.taken);
    this.room -= bytes;
    // A copy, as a kernel makes one: whoever overwrites the buffer before this point is found out.
    this.#taken.push(Buffer.from(write.bytes.subarray(write.taken, write.taken + bytes)));
    write.taken += bytes;
  }
}
