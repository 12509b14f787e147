/** The end of a connection that becomes no tunnel: our answer, then the client's last bytes, then nothing. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { freeBuffer } from '../relay/memory/copy-buffers.ts';

/**
 * How long the bytes that a client still sends are read and thrown away. Closing before would make the kernel send a
 * reset, and the client would lose the answer that says what is wrong.
 */
export const lingerMs = 2000;

/** Sends the last bytes, and closes the connection soon after. */
export function sayFarewell(socket: Socket, bytes: Uint8Array | null): void {
  if (socket.destroyed) return;
  if (bytes === null) socket.end();
  else socket.end(bytes);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  discard(socket);
}

/** Reads on and throws away what comes, at once: V8 would keep tens of MB of what somebody goes on sending. */
export function discard(from: Readable): void {
  from.on('data', freeBuffer).resume();
}
