import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LineRate } from '../../../../src/observe/log/rate.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A rate of 2 lines a second and 4 at once, and what it tells. */
function setUp() {
  const told: [lines: number, kind: string, last: object][] = [];
  const rate = new LineRate((...args) => void told.push(args));
  rate.change({ perSecond: 2, burst: 4 });
  const allowed = (kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => rate.allows(kind, { n })).filter(Boolean).length;
  return { rate, told, allowed };
}

test('lets a burst of each kind through, and then so many a second', () => {
  const { allowed } = setUp();
  expect(allowed('a', 10)).toBe(4);
  expect(allowed('b', 10)).toBe(4);
  vi.advanceTimersByTime(1000);
  expect(allowed('a', 10)).toBe(2);
  vi.advanceTimersByTime(3_600_000);
  expect(allowed('a', 10)).toBe(4);
});

test('tells every ten seconds what was left out, with the last of it', () => {
  const { rate, told, allowed } = setUp();
  allowed('a', 10);
  allowed('b', 5);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([
    [6, 'a', { n: 9 }],
    [1, 'b', { n: 4 }],
  ]);
  expect(rate.leftOut).toBe(7);
  vi.advanceTimersByTime(60_000);
  expect(told.length).toBe(2);
});

test('tells what it has not told when it is asked to, and when the rate changes', () => {
  const { rate, told, allowed } = setUp();
  allowed('a', 5);
  rate.flush();
  rate.flush();
  expect(told).toEqual([[1, 'a', { n: 4 }]]);
  allowed('a', 1);
  rate.change({ perSecond: 2, burst: 4 });
  expect([told.length, allowed('a', 1)]).toEqual([1, 0]);
  rate.change({ perSecond: 2, burst: 5 });
  expect([told.length, allowed('a', 9)]).toEqual([2, 5]);
});

test('without a rate everything passes', () => {
  const { rate, allowed } = setUp();
  rate.change(null);
  expect([allowed('a', 10_000), rate.leftOut]).toEqual([10_000, 0]);
});
