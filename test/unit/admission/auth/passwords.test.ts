import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Passwords } from '../../../../src/admission/auth/basic/passwords.ts';

/** A thread that finds every password right. */
class Agreeing extends EventEmitter {
  postMessage({ id }: { readonly id: number }): void {
    queueMicrotask(() => this.emit('message', { id, matches: true }));
  }

  unref(): void {}

  async terminate(): Promise<void> {}
}

test('a system that gives no thread leaves one question open, and the next is answered', async () => {
  let fails = 1;
  const passwords = new Passwords(() => {
    if (fails-- > 0) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
    return new Agreeing() as unknown as Worker;
  });
  expect(await passwords.compare('hash', 'password')).toBeNull();
  expect(passwords.waiting).toBe(0);
  expect(await passwords.compare('hash', 'password')).toBe(true);
  passwords.close();
});
