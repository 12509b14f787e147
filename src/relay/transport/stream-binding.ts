/**
 * The part of Node below `net.Socket`: what a handle's last read and write came to is in a shared array, not in a
 * return value. None of it is documented by Node. It is looked up here and used by `output.ts`, `handle-reads.ts` and
 * `tls-records.ts`, which are tested on every Node version that Sluice supports and do without it where it is missing.
 */
import type { Socket } from 'node:net';

/** Keeps what a write needs while it goes on. */
export interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  /** Keeps the bytes alive while the write goes on. */
  buffer: Buffer | null;
}

export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  /** Where in the state stands whether the last write goes on. */
  readonly kLastWriteWasAsync: number;
  /** Where in the state stands how many bytes were read, or why none were. */
  readonly kReadBytesOrError: number;
}

/** What a socket is read by. */
export interface ReadHandle {
  /** What Node's socket believes of it. */
  reading: boolean;
  /** Called after each read, at the end and for an error. If it returns a buffer, that is read into from then on. */
  onread(bytes: unknown): unknown;
  /** Both return an error number, 0 for none. */
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Buffer): void;
}

/** `null` where any part of it is missing. */
export const streamBinding = findBinding();

/** What the socket is read by; `null` where Node shows no part of it, or not enough to read by. */
export function readHandleOf(socket: Socket): ReadHandle | null {
  const { _handle: handle } = socket as unknown as { _handle: ReadHandle | null };
  return streamBinding !== null && typeof handle?.useUserBuffer === 'function' ? handle : null;
}

function findBinding(): StreamBinding | null {
  try {
    const { binding: find } = process as unknown as { binding(name: string): Partial<StreamBinding> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } = find('stream_wrap');
    const usable =
      typeof WriteWrap === 'function' &&
      streamBaseState instanceof Int32Array &&
      typeof kLastWriteWasAsync === 'number' &&
      typeof kReadBytesOrError === 'number';
    // Copied, because the binding itself is no object that V8 makes fast.
    return usable ? { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } : null;
  } catch {
    return null;
  }
}
