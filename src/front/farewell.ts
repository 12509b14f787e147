/** The end of a connection that becomes no tunnel: our answer, then the client's last bytes, then nothing. */
import type { Socket } from 'node:net';

/**
 * How long the bytes that a client still sends are read and thrown away. Closing before would make the kernel send a
 * reset, and the client would lose the answer that says what is wrong.
 */
const lingerMs = 2000;

/** Sends the last bytes, and closes the connection soon after. */
export function sayFarewell(socket: Socket, bytes: Uint8Array | null): void {
  if (socket.destroyed) return;
  if (bytes === null) socket.end();
  else socket.end(bytes);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}
