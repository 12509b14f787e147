import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { toUnix } from '../../src/wall-clock.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
afterEach(() => vi.useRealTimers());

test('a time that is told twice is the same, until the clock is set', () => {
  vi.setSystemTime(0);
  const first = toUnix();
  expect(first).toBe(Date.now() - performance.now());
  vi.setSystemTime(Date.now() + 900);
  expect(toUnix()).toBe(first);
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(toUnix()).toBe(first + 3_600_900);
});
