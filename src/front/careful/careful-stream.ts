/**
 * The stream that Node's HTTP server takes for a connection. It hands on what it is fed, and writes to the real socket.
 * When the server ends or destroys it, the connection hears of that and decides.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { lowMark } from '../../relay/transport/low-marks.ts';

/** What the server does with its stream. */
export interface StreamEvents {
  /** It has written its last byte. */
  ended(): void;
  /** It wants the connection gone. */
  destroyed(): void;
}

type Written = (error?: Error | null) => void;

export class CarefulStream extends Duplex {
  readonly #socket: Socket;
  readonly #events: StreamEvents;

  constructor(socket: Socket, events: StreamEvents) {
    super({
      allowHalfOpen: true,
      decodeStrings: false,
      readableHighWaterMark: lowMark,
      writableHighWaterMark: lowMark,
    });
    this.#socket = socket;
    this.#events = events;
  }

  /** As http-proxy asks for it; with the ports, as the kernel's tables name the connection. */
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  /** Whether the server takes bytes now. */
  get flows(): boolean {
    return this.readableFlowing === true && !this.destroyed;
  }

  /**
   * Hands bytes to the server's parser, which has parsed them when this returns. `push` would do so for a stream that
   * flows and holds nothing, but not always at once.
   */
  feed(bytes: Buffer): void {
    this.emit('data', bytes);
  }

  /** What Node calls behind an answer that is the last one. */
  destroySoon(): void {
    this.#events.ended();
  }

  resetAndDestroy(): void {
    this.#socket.resetAndDestroy();
  }

  override _read(): void {
    // It is fed, not asked.
  }

  override _write(bytes: Buffer | string, encoding: BufferEncoding, done: Written): void {
    this.#socket.write(bytes, encoding, done);
  }

  override _writev(pieces: { chunk: Buffer | string; encoding: BufferEncoding }[], done: Written): void {
    const socket = this.#socket;
    const last = pieces.length - 1;
    socket.cork();
    for (const [i, { chunk, encoding }] of pieces.entries()) {
      if (i < last) socket.write(chunk, encoding);
      else socket.write(chunk, encoding, done);
    }
    socket.uncork();
  }

  override _final(done: Written): void {
    this.#events.ended();
    done();
  }

  override _destroy(_error: Error | null, done: Written): void {
    this.#events.destroyed();
    done();
  }
}
