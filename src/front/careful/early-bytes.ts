/**
 * Holds what a client sends before its 101, within a bound, and delivers it afterwards. Meanwhile the client's leaving
 * is noticed.
 */
import type { Socket } from 'node:net';
import { Holding, type MemoryLedger } from '../../admission/memory.ts';
import { HeldBytes, mostHeldBytes, readBehindPause } from '../held-bytes.ts';

export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onGone: () => void;
  readonly #memory: MemoryLedger;
  readonly #holding: Holding;
  readonly #onData = (chunk: Buffer) => this.#hold(chunk);
  readonly #held = new HeldBytes();

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
    this.#holding.bytes = 0;
    return this.#held.take();
  }

  #hold(chunk: Buffer): void {
    this.#held.append(chunk);
    const isFull = this.#held.length >= mostHeldBytes || this.#memory.pressed;
    if (isFull) this.#socket.pause();
    this.#holding.bytes = this.#held.capacity + (isFull ? readBehindPause : 0);
  }
}
