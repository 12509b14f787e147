/** The proof that a server speaks WebSocket. */
import { hash } from 'node:crypto';

/** What a server must answer to a `Sec-WebSocket-Key` (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');
}
