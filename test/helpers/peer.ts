/** A bare TCP peer: the test decides every byte it sends and sees every byte it gets. */
import type { Socket } from 'node:net';
import { closeOf, type Frame, parseFrame, sizeOf } from './frames.ts';

/** How a connection ended for this peer. */
export type Ending = 'fin' | 'reset';

export class Peer {
  readonly socket: Socket;
  /** Resolves when the other side sent FIN (`fin`) or RST (`reset`). */
  readonly ended: Promise<Ending>;
  /** Resolves when the socket is gone altogether. */
  readonly gone: Promise<void>;
  /** Bytes received and not yet taken. */
  #received: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  /** Bytes in both. */
  #size = 0;
  #ending: Ending | null = null;
  #wake: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    const end = (ending: Ending) => {
      this.#ending ??= ending;
      resolve(ending);
      this.#notify();
    };
    socket.on('error', () => end('reset'));
    socket.on('end', () => end('fin'));
    this.gone = new Promise((gone) => {
      socket.on('close', (failed) => {
        end(failed ? 'reset' : 'fin');
        gone();
      });
    });
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#notify();
    });
  }

  /** What has been received and not yet taken. */
  get received(): Buffer {
    if (this.#chunks.length > 0) {
      this.#received = Buffer.concat([this.#received, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#received;
  }

  /** Sends bytes; a string is hex, with or without spaces. */
  send(bytes: Uint8Array | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(/\s/g, ''), 'hex') : bytes);
  }

  /** Sends text as it is. */
  sendText(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Sends the same bytes again and again, for as long as the other side takes them. */
  flood(bytes: Uint8Array): void {
    const { socket } = this;
    if (socket.destroyed || socket.writableEnded) return;
    while (socket.write(bytes));
    socket.once('drain', () => this.flood(bytes));
  }

  /** Stops reading, so that TCP pushes back on the other side. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends FIN. */
  end(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Takes exactly `count` bytes. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#size >= count, `${count} bytes`);
    return this.#take(count);
  }

  /** Takes everything up to and with the blank line that ends a header block. */
  async head(): Promise<string> {
    await this.#until(() => this.received.includes('\r\n\r\n'), 'a header block');
    return this.#take(this.received.indexOf('\r\n\r\n') + 4).toString('latin1');
  }

  /** Takes the next frame. */
  async frame(): Promise<Frame> {
    await this.#until(() => {
      // Not put together with each piece that comes: a frame may have megabytes.
      const size = sizeOf(this.#received) ?? sizeOf(this.received);
      return size !== null && this.#size >= size;
    }, 'a frame');
    const frame = parseFrame(this.received)!;
    this.#take(frame.size);
    return frame;
  }

  /** Takes frames up to the first one with this opcode, and returns that. */
  async frameOf(opcode: number): Promise<Frame> {
    for (;;) {
      const frame = await this.frame();
      if (frame.opcode === opcode) return frame;
    }
  }

  /** Takes frames up to the close frame, and returns its code (`null` for none) and reason. */
  async closeFrame(): Promise<{ code: number | null; reason: string }> {
    return closeOf(await this.frameOf(8));
  }

  /** Takes everything until the other side ends the connection. */
  async rest(): Promise<Buffer> {
    await this.ended;
    return this.#take(this.received.length);
  }

  #take(count: number): Buffer {
    const { received } = this;
    this.#received = received.subarray(count);
    this.#size = this.#received.length;
    return received.subarray(0, count);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.#ending !== null) {
        const got = this.received.subarray(0, 200).toString('latin1');
        throw new Error(`connection ended (${this.#ending}) before ${what}; received ${JSON.stringify(got)}`);
      }
      await new Promise<void>((wake) => this.#wake.push(wake));
    }
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
