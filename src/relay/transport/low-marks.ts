/**
 * A stream's high-water mark counts bytes and not buffers, and Node makes a buffer of each read: 64 KiB that come a
 * byte at a time, for somebody who takes none of them, are 18 MB. A paused socket is read on up to that mark too. With
 * a mark of one byte there is one piece in a stream, however small: the first read behind a pause is the last one, and
 * a write waits for the one before it. What flows is not held up.
 *
 * Node has an option for it where it makes a socket itself, but none for one of TLS that its server makes. Where the
 * fields are missing, Node's own marks hold.
 */
import type { Duplex } from 'node:stream';

/** The mark of a stream that holds one piece, in bytes. */
export const lowMark = 1;

interface State {
  highWaterMark?: number;
}

/** Lets a socket hold one piece of what is read, and one of what is written. */
export function lowerMarks(socket: Duplex): void {
  const { _readableState, _writableState } = socket as unknown as { _readableState?: State; _writableState?: State };
  for (const state of [_readableState, _writableState]) {
    if (typeof state?.highWaterMark === 'number') state.highWaterMark = lowMark;
  }
}
