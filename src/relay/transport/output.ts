/**
 * The way from a leg's writer into the kernel: one system call for each write, and a callback when the kernel was full.
 *
 * A plain socket's handle is written to directly, as `net.Socket` itself does it. There are two reasons:
 *
 * - `net.Socket` brings each write through a stream. Sluice needs none, because it keeps a queue of its own and writes
 *   nothing before the last write is done. Without the stream, relaying 100 B takes about an eighth less CPU
 *   (measured).
 * - `net.Socket` destroys itself at the first failed write, with the peer's close frame unread in it. A backend that
 *   closes with 1009 and resets the connection would look as if it had vanished.
 *
 * TLS has a handle of the same form above that of TCP, which HTTP to upstreams is written to. Node does not document
 * either (see stream-binding.ts). This file alone writes to them. Elsewhere (other TLS sockets, other runtimes) the
 * stream is written to, and hears of no write that failed.
 */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type StreamBinding, streamBinding, type WriteRequest } from './stream-binding.ts';

export interface Output {
  /**
   * Whether the kernel took all of it; otherwise these bytes are in use, and nothing may be written, until
   * `onAccepted`.
   */
  write(bytes: Buffer): boolean;
  /** Sends FIN behind what was written. */
  end(): void;
  /** Whether the connection is gone. */
  readonly destroyed: boolean;
  /** Whether the peer takes nothing more, ever: what is written is lost. */
  readonly broken: boolean;
  /** Bytes that the kernel was given since the connection was made; with TLS as they were before encryption. */
  readonly handedBytes: number;
  /** Somebody else writes to the socket from now on. */
  release?(): void;
  /** How often the bytes of a waiting write exist beside it: TLS keeps them encrypted. */
  readonly copies: number;
}

/** The output of a socket that nobody else writes to. `readsOn`: TLS too is read on behind a write that failed. */
export function outputOf(socket: Socket, onAccepted: () => void, readsOn = false): Output {
  const { _handle: handle } = socket as unknown as { _handle: Handle | null };
  if (streamBinding === null || typeof handle?.writeBuffer !== 'function') return new StreamOutput(socket, onAccepted);
  if (socket.constructor === Socket) return new HandleOutput(socket, handle, onAccepted);
  return readsOn && socket.constructor === TLSSocket
    ? new TlsOutput(socket, handle, onAccepted)
    : new StreamOutput(socket, onAccepted);
}

interface Handle {
  /** Returns an error number, 0 for none. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  /** What the kernel has not taken of that. */
  readonly writeQueueSize?: number;
}

// Used where there is a binding only.
const { WriteWrap, streamBaseState, kLastWriteWasAsync } = streamBinding ?? ({} as StreamBinding);

/** For the next write of any socket: only one that the kernel was full with is used up. */
let spareRequest: WriteRequest | null = null;

class HandleOutput implements Output {
  readonly copies: number = 0;
  broken = false;
  /** The write that goes on. */
  protected writing: WriteRequest | null = null;
  readonly #socket: Socket;
  readonly #handle: Handle;
  readonly #onAccepted: () => void;

  constructor(socket: Socket, handle: Handle, onAccepted: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    this.#onAccepted = onAccepted;
  }

  get handedBytes(): number {
    return this.#socket.bytesWritten - (this.#handle.writeQueueSize ?? 0);
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  end(): void {
    this.#socket.end();
  }

  write(bytes: Buffer): boolean {
    if (this.broken) return true;
    spareRequest ??= new WriteWrap();
    const request = spareRequest;
    const error = this.#handle.writeBuffer(request, bytes);
    if (error !== 0) {
      // What the peer sent before it went away is still to be read; the end of reading ends the socket. A handle that
      // has been closed refuses as well.
      this.broken = !this.#socket.destroyed;
      return true;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) return true;
    request.buffer = bytes;
    request.oncomplete = (status) => {
      if (status !== 0) this.broken = true;
      this.accepted(request);
    };
    this.writing = request;
    spareRequest = null;
    return false;
  }

  /** The kernel has taken a write, or never will. */
  protected accepted(request: WriteRequest): void {
    if (this.writing !== request) return;
    this.writing = null;
    this.#onAccepted();
  }
}

/**
 * TLS has encrypted or copied the bytes when a write returns. It may forget to say what came of a write that was under
 * way when the socket closed.
 */
class TlsOutput extends HandleOutput {
  override readonly copies = 1;

  constructor(socket: Socket, handle: Handle, onAccepted: () => void) {
    super(socket, handle, onAccepted);
    socket.once('close', () => {
      if (this.writing !== null) this.accepted(this.writing);
    });
  }
}

const nothing = Buffer.alloc(0);

type Done = (error?: Error | null) => void;

class StreamOutput implements Output {
  broken = false;
  readonly copies = 1;
  readonly #socket: Socket;
  readonly #onAccepted: () => void;

  constructor(socket: Socket, onAccepted: () => void) {
    this.#socket = socket;
    this.#onAccepted = onAccepted;
    this.#outliveWrites();
  }

  /** The stream hears of no write that failed: it would destroy itself, with what the peer has said unread in it. */
  #outliveWrites(): void {
    const socket = this.#socket;
    const spared = (done: Done): Done => {
      return (error) => {
        if (error) this.broken = !socket.destroyed;
        done();
      };
    };
    const { _write: write, _writev: writev } = socket;
    socket._write = (chunk, encoding, done) => {
      if (this.broken) done();
      else write.call(socket, chunk, encoding, spared(done));
    };
    if (writev !== undefined) {
      socket._writev = (chunks, done) => {
        if (this.broken) done();
        else writev!.call(socket, chunks, spared(done));
      };
    }
  }

  release(): void {
    const own = this.#socket as Partial<Pick<Socket, '_write' | '_writev'>>;
    delete own._write;
    delete own._writev;
  }

  get handedBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  end(): void {
    this.#socket.end();
  }

  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (this.broken || socket.destroyed || socket.writableEnded) return true;
    socket.write(bytes);
    if (socket.writableLength === 0) return true;
    // A write of nothing calls back when the one before it is done, and costs nothing in the usual case.
    socket.write(nothing, this.#onAccepted);
    return false;
  }
}
