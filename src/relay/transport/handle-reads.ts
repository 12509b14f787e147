/**
 * The reads of a plain socket, from its handle into buffers of ours. `net.Socket` does so only if it is constructed for
 * it (`onread`), but these sockets exist already. So the handle is told where to read to, and the socket hears of the
 * end. That is cheaper, too: sockets have so many shapes that V8 would look each of their properties up, for each read.
 *
 * Handles are not documented by Node; see stream-binding.ts.
 */
import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { type ReadHandle, type StreamBinding, streamBinding } from './stream-binding.ts';

/** Who is read for. */
export interface HandleSink {
  /** So many bytes stand in the armed buffer. Returns another one to arm where that is to change. */
  took(length: number): Buffer | undefined;
}

// Used where there is a binding only.
const { streamBaseState, kReadBytesOrError } = streamBinding ?? ({} as StreamBinding);

/**
 * What Node itself does with what is read, for handles that are read here. The handle keeps it: a `WeakMap` of all
 * handles took 1 % of a handshake (measured).
 */
const usual = Symbol('usual onread');

interface Handle extends ReadHandle {
  [usual]?: ReadHandle['onread'];
}

/** What libuv says at the end, in place of a number of bytes. */
const endOfFile = -4095;
const readErrors = new Map<number, Error>();

export class HandleReads {
  readonly #socket: Socket;
  readonly #handle: Handle;

  /** Takes the handle over, stopped. Whoever had it before, and read from it so, reads no more. */
  constructor(socket: Socket, handle: Handle, buffer: Buffer, sink: HandleSink) {
    this.#socket = socket;
    this.#handle = handle;
    const nodes = handle[usual] ?? handle.onread;
    handle[usual] = nodes;
    this.stop();
    handle.useUserBuffer(buffer);
    // A function that is written behind `handle.onread =` would be made among the old objects (see cli/engine.ts).
    const onread = (bytes: unknown): Buffer | undefined => {
      const length = streamBaseState[kReadBytesOrError]!;
      if (length > 0) return sink.took(length);
      // Node would make an error with its stack for each connection that its peer resets.
      if (length < 0 && length !== endOfFile) socket.destroy(readError(length));
      else nodes.call(handle, bytes);
      return;
    };
    handle.onread = onread;
  }

  start(): void {
    if (this.#handle.reading) return;
    this.#handle.reading = true;
    if (this.#handle.readStart() !== 0) this.#socket.destroy();
  }

  stop(): void {
    if (!this.#handle.reading) return;
    this.#handle.reading = false;
    this.#handle.readStop();
  }

  /** Node arms another buffer only after a read. This goes past it, and a few bytes of Node's stay with the handle. */
  arm(buffer: Buffer): void {
    this.#handle.useUserBuffer(buffer);
  }
}

/** One for each number: nobody changes it, and where it comes from says nothing. */
function readError(errno: number): Error {
  const known = readErrors.get(errno);
  if (known !== undefined) return known;
  const code = getSystemErrorName(errno);
  const error = Object.assign(new Error(`read ${code}`), { errno, code, syscall: 'read' });
  readErrors.set(errno, error);
  return error;
}
