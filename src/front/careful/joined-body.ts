/**
 * The body of a message that Node's parser reads. The parser makes a buffer of each chunk, and what nobody takes yet
 * waits in the message's stream, which counts bytes and not buffers: 64 KiB in one-byte chunks take 18 MB there. So the
 * chunks of one piece are joined, and the stream gets one buffer for all of them.
 */
import type { IncomingMessage } from 'node:http';
import { joinBuffers } from '../../relay/memory/copy-buffers.ts';

export class JoinedBody {
  readonly #push: (chunk: Buffer | null) => boolean;
  readonly #stop: () => void;
  #parts: Buffer[] = [];
  #chunks = 0;

  /** Stands before the stream of a message whose body has not begun. `stop` is called when that stream is full. */
  constructor(message: IncomingMessage, stop: () => void) {
    const { push } = message;
    this.#push = (chunk) => push.call(message, chunk);
    this.#stop = stop;
    message.push = (chunk: Buffer | null) => this.#take(chunk);
  }

  /** Call it when a piece has been parsed. Returns how many chunks were in it. */
  passOn(): number {
    const chunks = this.#chunks;
    this.#chunks = 0;
    const parts = this.#parts;
    if (parts.length === 0) return chunks;
    this.#parts = [];
    if (!this.#push(parts.length === 1 ? parts[0]! : joinBuffers(parts))) this.#stop();
    return chunks;
  }

  #take(chunk: Buffer | null): boolean {
    if (chunk !== null) {
      this.#chunks++;
      this.#parts.push(chunk);
      return true;
    }
    const chunks = this.passOn();
    // Whoever asks behind the piece is told of them too.
    this.#chunks = chunks;
    return this.#push(null);
  }
}
