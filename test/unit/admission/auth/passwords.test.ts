import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
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

test('the thread ends when nothing has been asked for half a minute, and not while something is', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const counts = { begun: 0, ended: 0 };
  const answers: (() => void)[] = [];
  class Slow extends Agreeing {
    override postMessage({ id }: { readonly id: number }): void {
      answers.push(() => this.emit('message', { id, matches: true }));
    }

    override async terminate(): Promise<void> {
      counts.ended++;
    }
  }
  const passwords = new Passwords(() => {
    counts.begun++;
    return new Slow() as unknown as Worker;
  });
  const ask = () => passwords.compare('hash', 'password');
  const answered = async (asked: Promise<boolean | null>) => {
    answers.shift()!();
    expect(await asked).toBe(true);
  };
  await answered(ask());
  vi.advanceTimersByTime(29_999);
  const second = ask();
  vi.advanceTimersByTime(60_000);
  await answered(second);
  vi.advanceTimersByTime(29_999);
  expect(counts).toEqual({ begun: 1, ended: 0 });
  vi.advanceTimersByTime(1);
  expect(counts).toEqual({ begun: 1, ended: 1 });
  await answered(ask());
  passwords.close();
  expect(counts).toEqual({ begun: 2, ended: 2 });
});

test.each(['error', 'exit'])('a thread that fails (%s) answers nobody who waits, and another begins', async (event) => {
  const threads: Silent[] = [];
  class Silent extends Agreeing {
    override postMessage(): void {}
  }
  const passwords = new Passwords(() => {
    threads.push(new Silent());
    return threads.at(-1) as unknown as Worker;
  });
  const asked = [passwords.compare('hash', 'a'), passwords.compare('hash', 'b')];
  threads[0]!.emit(event, new Error('out of memory'));
  expect(await Promise.all(asked)).toEqual([null, null]);
  const next = passwords.compare('hash', 'c');
  // The end of the first, which comes behind its error, is none of the second's.
  threads[0]!.emit('exit', 1);
  expect([threads.length, passwords.waiting]).toEqual([2, 1]);
  passwords.close();
  expect(await next).toBeNull();
});
