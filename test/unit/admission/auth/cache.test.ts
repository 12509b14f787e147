import { expect, test } from 'vitest';
import { CredentialCache, cacheKey, notHeld } from '../../../../src/admission/auth/cache.ts';

function cacheAt() {
  const clock = { now: 0 };
  return { clock, cache: new CredentialCache<string>(() => clock.now) };
}

const until = (until: number) => ({ until, bytes: 0 });

test('parts of a key cannot run into each other', () => {
  expect(cacheKey('a', 'bc')).not.toBe(cacheKey('ab', 'c'));
  expect(cacheKey('a', 'bc')).not.toBe(cacheKey('a', 'b', 'c'));
  expect(cacheKey('a', 'bc')).not.toBe(cacheKey('a2:bc'));
  expect(cacheKey('é')).toBe(cacheKey('é'));
});

test('what is known holds until its time', () => {
  const { clock, cache } = cacheAt();
  cache.set('k', 'v', until(10));
  clock.now = 9;
  expect(cache.get('k')).toBe('v');
  clock.now = 10;
  expect(cache.get('k')).toBeUndefined();
  expect(cache.size).toBe(0);
  cache.set('k', 'v', until(10));
  expect(cache.size).toBe(0);
});

test('the oldest go when there are too many', () => {
  const { cache } = cacheAt();
  for (let i = 0; i < 5000; i++) cache.set(String(i), 'v', until(1));
  expect(cache.size).toBe(4096);
  expect(cache.get('0')).toBeUndefined();
  expect(cache.get('4999')).toBe('v');
});

test('the oldest go when they hold too much', () => {
  const { cache } = cacheAt();
  const half = { until: 1, bytes: 4 * 1024 * 1024 - 512 };
  for (const key of ['a', 'b', 'c']) cache.set(key, 'v', half);
  expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([undefined, 'v', 'v']);
  // One that is forgotten, or takes its own place, makes room.
  cache.set('b', 'v', half);
  cache.forget('c');
  cache.set('d', 'v', half);
  expect(['b', 'c', 'd'].map((key) => cache.get(key))).toEqual(['v', undefined, 'v']);
  cache.set('e', 'v', { until: 1, bytes: 8 * 1024 * 1024 });
  expect(cache.size).toBe(0);
});

test('those who ask for the same at once share one answer', async () => {
  const { cache } = cacheAt();
  let asked = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const ask = () => {
    asked++;
    return promise;
  };
  const all = [1, 2, 3].map(() => cache.find('k', ask, () => until(5)));
  expect(cache.pending).toBe(1);
  resolve('v');
  expect(await Promise.all(all)).toEqual(['v', 'v', 'v']);
  expect(asked).toBe(1);
  expect(cache.find('k', ask, () => until(5))).toBe('v');
});

test('an answer that does not hold is asked for again, and one that fails leaves nothing behind', async () => {
  const { cache } = cacheAt();
  expect(
    await cache.find(
      'k',
      async () => 'v',
      () => notHeld,
    ),
  ).toBe('v');
  expect(cache.size).toBe(0);
  await expect(
    cache.find(
      'k',
      () => Promise.reject(new Error('x')),
      () => until(5),
    ),
  ).rejects.toThrow('x');
  expect(cache.pending).toBe(0);
});

test('not more questions than these are under way', () => {
  const { cache } = cacheAt();
  const pending = new Promise<string>(() => {});
  for (let i = 0; i < 256; i++)
    expect(
      cache.find(
        String(i),
        () => pending,
        () => until(1),
      ),
    ).toBeInstanceOf(Promise);
  expect(
    cache.find(
      'one more',
      () => pending,
      () => until(1),
    ),
  ).toBeNull();
  expect(
    cache.find(
      '7',
      () => pending,
      () => until(1),
    ),
  ).toBeInstanceOf(Promise);
});
