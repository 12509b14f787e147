/** What a client sends before its 101: held, bounded, delivered after. Meanwhile its leaving is noticed. */
import type { Socket } from 'node:net';
import { Holding, type MemoryLedger } from '../../admission/memory.ts';

/** A client may not wait for the 101 (RFC 6455 §4.1 wants it to); a few messages are held, then TCP pushes back. */
const maxHeldBytes = 64 * 1024;
/** Messages are small: most clients that do not wait send one. */
const firstBytes = 1024;
/** What Node goes on reading from a paused socket, up to the stream's high-water mark. */
const streamBytes = 64 * 1024;

const nothing = Buffer.alloc(0);

export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onGone: () => void;
  readonly #memory: MemoryLedger;
  readonly #holding: Holding;
  readonly #onData = (chunk: Buffer) => this.#hold(chunk);
  /** One buffer: with one for each read, a byte that comes alone costs 600. */
  #held = nothing;
  #length = 0;

  /** Starts to read; `onGone` is called when the client sends FIN, and when its socket closes. */
  constructor(socket: Socket, head: Buffer, memory: MemoryLedger, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
    this.#memory = memory;
    this.#holding = new Holding(memory);
    socket.on('data', this.#onData).once('end', onGone).once('close', onGone);
    socket.resume();
    if (head.length > 0) this.#hold(head);
  }

  /** Stops reading, lets go of the socket and returns what was held; from now on others count it. */
  take(): Buffer {
    this.#socket.pause();
    this.#socket.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    const held = this.#held.subarray(0, this.#length);
    this.#held = nothing;
    this.#length = 0;
    this.#holding.bytes = 0;
    return held;
  }

  #hold(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#held.length) this.#grow(Math.max(length, firstBytes, this.#held.length * 2));
    this.#held.set(chunk, this.#length);
    this.#length = length;
    if (length < maxHeldBytes && !this.#memory.pressed) return;
    this.#socket.pause();
    this.#holding.bytes = this.#held.length + streamBytes;
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(size);
    larger.set(this.#held.subarray(0, this.#length));
    this.#held = larger;
    this.#holding.bytes = size;
  }
}
