/** The names of WebSocket connections in log, API and metrics: 48 random bits, in hexadecimal. */
import { randomFillSync } from 'node:crypto';

const idBytes = 6;
/** Asked for many at once: the generator's set-up costs more than its bytes. */
const pool = Buffer.alloc(idBytes * 512);
let used = pool.length;

/** A name that no other connection has. */
export function newConnectionId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString('hex', used - idBytes, used);
}
