/**
 * Compares passwords with hashes in a thread of its own: that is made to take long, and no connection shall wait for
 * it.
 */
import { argon2Sync, timingSafeEqual } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { compareSync, truncates } from 'bcryptjs';
import type { PasswordQuestion } from './passwords.ts';
import { parseHash } from './users.ts';

// On Linux this is the thread's own priority: the relay goes first where they share a core.
setPriority(constants.priority.PRIORITY_LOW);

parentPort!.on('message', ({ id, hash, password }: PasswordQuestion) => {
  parentPort!.postMessage({ id, matches: matches(hash, password) });
});

function matches(text: string, password: string): boolean {
  const hash = parseHash(text);
  // Of more than 72 bytes bcrypt would take the first 72, and any end behind them.
  if ('bcrypt' in hash) return compareSync(password, hash.bcrypt) && !truncates(password);
  const { algorithm, memory, passes, parallelism, nonce, tag } = hash;
  const message = Buffer.from(password);
  const tried = argon2Sync(algorithm, { message, nonce, parallelism, tagLength: tag.length, memory, passes });
  return timingSafeEqual(tried, tag);
}
