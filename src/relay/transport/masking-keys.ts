/** Masking keys for frames of our own to upstreams: nobody can foresee one (RFC 6455 §5.3). */
import { randomFillSync } from 'node:crypto';

const keyBytes = 4;
/** Random bytes are fetched for many keys at once, because each call to the generator costs more than its bytes. */
const pool = new Uint8Array(keyBytes * 512);
let used = pool.length;

/** A key that was not used before. The buffer is used again, so read it at once. */
export function newMaskingKey(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += keyBytes;
  return pool.subarray(used - keyBytes, used);
}
