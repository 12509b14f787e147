import { describe, expect, test } from 'vitest';
import { TokenBucket } from '../../../src/limits/token-bucket.ts';

const rate = (perSecond: number, burst: number) => ({ perSecond, burst, action: 'pause' }) as const;

describe('a token bucket', () => {
  test('lets its burst pass at once, then its rate', () => {
    const bucket = new TokenBucket(rate(10, 3), 0);
    const take = (now: number) => bucket.take(now);
    expect([0, 0, 0, 0].map(take)).toEqual([true, true, true, false]);
    expect([99, 100, 100, 199, 200].map(take)).toEqual([false, true, false, false, true]);
  });

  test('saves up no more than its burst', () => {
    const bucket = new TokenBucket(rate(10, 2), 0);
    expect([0, 1, 2].map(() => bucket.take(60_000))).toEqual([true, true, false]);
  });

  test('goes into debt for what has already passed', () => {
    const bucket = new TokenBucket(rate(1000, 1000), 0);
    expect(bucket.charge(1000, 0)).toBe(false);
    expect(bucket.charge(1, 0)).toBe(true);
    expect(bucket.charge(499, 0)).toBe(true);
    expect(bucket.waitMs(0, 0)).toBe(500);
    expect(bucket.charge(0, 499)).toBe(true);
    expect(bucket.charge(0, 500)).toBe(false);
  });

  test('says how long until tokens are there', () => {
    const bucket = new TokenBucket(rate(10, 5), 0);
    expect(bucket.waitMs(5, 0)).toBe(0);
    bucket.charge(5, 0);
    expect([bucket.waitMs(1, 0), bucket.waitMs(5, 0)]).toEqual([100, 500]);
    expect(bucket.waitMs(1, 60)).toBeCloseTo(40);
  });

  test('waits for a full bucket where more is asked for than fits', () => {
    const bucket = new TokenBucket(rate(10, 5), 0);
    bucket.charge(5, 0);
    expect(bucket.waitMs(1000, 0)).toBe(500);
  });

  test('takes no notice of a clock that goes back', () => {
    const bucket = new TokenBucket(rate(10, 1), 1000);
    expect([bucket.take(1000), bucket.take(0), bucket.take(1000), bucket.take(1100)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test('goes on under another rate with what it has saved up, as far as that fits', () => {
    const bucket = new TokenBucket(rate(10, 10), 0);
    bucket.change(rate(1, 2), 0);
    expect([0, 0, 0, 999, 1000].map((now) => bucket.take(now))).toEqual([true, true, false, false, true]);
    bucket.change(rate(100, 50), 1000);
    expect([bucket.take(1000), bucket.take(1010)]).toEqual([false, true]);
  });

  test('counts the time before a change at the old rate', () => {
    const bucket = new TokenBucket(rate(1, 10), 0);
    bucket.charge(10, 0);
    bucket.change(rate(1000, 1000), 2000);
    expect([0, 1, 2].map(() => bucket.take(2000))).toEqual([true, true, false]);
  });
});
