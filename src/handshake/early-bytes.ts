/** What a client sends before its 101: held, bounded, delivered after. Meanwhile its leaving is noticed. */
import type { Socket } from 'node:net';

/** A client may not wait for the 101 (RFC 6455 §4.1 wants it to); a few messages are held, then TCP pushes back. */
const maxHeldBytes = 64 * 1024;

export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onGone: () => void;
  readonly #onData = (chunk: Buffer) => this.#hold(chunk);
  #held: Buffer[];
  #heldBytes: number;

  /** Starts to read; `onGone` is called once, when the client sends FIN or its socket closes. */
  constructor(socket: Socket, head: Buffer, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
    this.#held = head.length > 0 ? [head] : [];
    this.#heldBytes = head.length;
    socket.on('data', this.#onData).once('end', onGone).once('close', onGone);
    if (this.#heldBytes < maxHeldBytes) socket.resume();
  }

  /** Stops reading, lets go of the socket and returns what was held. */
  take(): Buffer {
    this.#socket.pause();
    this.#socket.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    const held = Buffer.concat(this.#held);
    this.#held = [];
    return held;
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes >= maxHeldBytes) this.#socket.pause();
  }
}
