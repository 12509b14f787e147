import { describe, expect, test } from 'vitest';
import { KeyedRate } from '../../../src/limits/keyed-rate.ts';

const most = 1000;

describe('a key', () => {
  test('has its burst, then one in a while, and is told how long that is', () => {
    const rates = new KeyedRate({ eachMs: 500, burst: 3 }, most);
    const seen = [1000, 1000, 1000, 1000, 1400, 1500, 1500, 3500, 3500, 3500, 3500].map((now) => rates.take('a', now));
    expect(seen).toEqual([0, 0, 0, 500, 100, 0, 500, 0, 0, 0, 500]);
  });

  test('does not pay for others, nor for what was refused', () => {
    const rates = new KeyedRate({ eachMs: 1000, burst: 1 }, most);
    expect([rates.take('a', 0), rates.take('b', 0)]).toEqual([0, 0]);
    for (let i = 0; i < 100; i++) expect(rates.take('a', 10)).toBe(990);
    expect(rates.take('a', 1000)).toBe(0);
  });

  test('a bucket of tokens says the same', () => {
    const [perSecond, burst] = [7, 5];
    const rates = new KeyedRate({ eachMs: 1000 / perSecond, burst }, most);
    let tokens = burst;
    let at = 0;
    let seed = 1;
    for (let i = 0; i < 10_000; i++) {
      seed = (seed * 48_271) % 2_147_483_647;
      const now = at + (seed % 300);
      tokens = Math.min(burst, tokens + ((now - at) * perSecond) / 1000);
      at = now;
      const admitted = tokens >= 1 - 1e-6;
      if (admitted) tokens -= 1;
      expect([i, rates.take('a', now) === 0]).toEqual([i, admitted]);
    }
  });
});

test('a key that is quiet is forgotten, and of too many those that came first', () => {
  const rates = new KeyedRate({ eachMs: 1000, burst: 1 }, most);
  for (let i = 0; i < 1010; i++) rates.take(`a${i}`, 0);
  expect(rates.size).toBe(1000);
  expect([rates.take('a1009', 0), rates.take('a0', 0)]).toEqual([1000, 0]);
  rates.take('b', 2000);
  expect(rates.size).toBe(1);
});

test('what is charged counts, whether it may be taken or not', () => {
  const rates = new KeyedRate({ eachMs: 6000, burst: 10 }, most);
  for (let i = 0; i < 10; i++) {
    expect(rates.waitMs('a', 0)).toBe(0);
    rates.charge('a', 0);
  }
  expect([rates.waitMs('a', 0), rates.waitMs('a', 2000), rates.waitMs('a', 6000)]).toEqual([6000, 4000, 0]);
  rates.charge('a', 0);
  expect([rates.waitMs('a', 0), rates.waitMs('b', 0)]).toEqual([12_000, 0]);
});

test('a flood of keys leaves room for the last ones, and for one that goes on', () => {
  const rates = new KeyedRate({ eachMs: 6000, burst: 10 }, most);
  for (let i = 0; i < 5000; i++) {
    rates.charge(`key ${i}`, 0);
    rates.charge('stays', 0);
  }
  expect(rates.size).toBe(most);
  // None of what it took is forgotten.
  expect(rates.waitMs('stays', 0)).toBe((5000 - 9) * 6000);
});

test('one that asks in vain all the while is not idle, and is not forgotten for others', () => {
  const rates = new KeyedRate({ eachMs: 3_600_000, burst: 1 }, most);
  rates.take('asks', 0);
  rates.take('is quiet', 0);
  for (let i = 0; i < 5000; i++) {
    rates.take(`key ${i}`, i);
    expect(rates.take('asks', i)).toBe(3_600_000 - i);
  }
  expect([rates.size, rates.take('is quiet', 5000)]).toEqual([most, 0]);
});

test('what was taken counts under another pace, too, as a burst of that at most', () => {
  const rates = new KeyedRate({ eachMs: 1000, burst: 1 }, most);
  rates.take('a', 0);
  rates.change({ eachMs: 700, burst: 1 }, 0);
  expect([rates.take('a', 0), rates.take('a', 600), rates.take('a', 700)]).toEqual([700, 100, 0]);
  // At a slower pace it owes what it owed.
  rates.change({ eachMs: 1000, burst: 2 }, 700);
  expect([rates.take('a', 700), rates.take('a', 700)]).toEqual([0, 700]);
  const slow = new KeyedRate({ eachMs: 60_000, burst: 10 }, most);
  for (let i = 0; i < 10; i++) slow.take('a', 0);
  // Whoever waited for ten minutes at the slow pace waits for no more than the fast one asks for.
  slow.change({ eachMs: 100, burst: 20 }, 0);
  expect([slow.take('a', 0), slow.take('a', 100), slow.take('a', 100)]).toEqual([100, 0, 100]);
});

test('what came early and is looked at late pays for itself, and nothing of the others', () => {
  const rates = new KeyedRate({ eachMs: 1000, burst: 10 }, most);
  for (let i = 0; i < 10; i++) rates.take('a', 60_000);
  expect(rates.take('a', 0)).toBe(61_000);
  expect(rates.take('a', 60_000)).toBe(1000);
  rates.change({ eachMs: 1000, burst: 10 }, 0);
  expect(rates.take('a', 60_000)).toBe(1000);
});
