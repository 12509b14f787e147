/**
 * In TLS 1.3 a peer may change its keys as often as it likes, and ask us to change ours (RFC 8446 §4.6.3). Anybody
 * needs that after some hundred GB. OpenSSL does it within one read, before it looks for data, in 7 to 15 µs, or in 14
 * to 32 where ours change too. It keeps its answers for a peer that reads none. Node tells of a change to whoever
 * listens for the new secrets, which are meant for debuggers. Here they are counted, and not looked at.
 */
import type { TLSSocket } from 'node:tls';

/** The most changes of both sides' keys in a minute. */
export const mostChanges = 100;
const windowMs = 60_000;

/** Calls `tooMany` when a connection, whose handshake is over, has changed its keys too often; once. */
export function watchKeys(socket: TLSSocket, tooMany: () => void, now = () => performance.now()): void {
  let since = now();
  let changes = 0;
  const onChange = () => {
    if (now() - since > windowMs) {
      since = now();
      changes = 0;
    }
    if (++changes <= mostChanges) return;
    socket.off('keylog', onChange);
    tooMany();
  };
  socket.on('keylog', onChange);
}
