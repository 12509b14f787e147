import { expect, test } from 'vitest';
import { timeOf } from '../../../../src/observe/log/time.ts';

test.each([
  0, 7, 999, 1000, 1001, 1_796_019_900_045, 1_796_019_900_999, 1_796_019_901_000,
  // A clock that was set back.
  1_796_019_900_120, -1,
])('the moment %i is told as Date tells it', (ms) => {
  expect(timeOf(ms)).toBe(new Date(ms).toISOString());
  expect(timeOf(ms)).toBe(new Date(ms).toISOString());
});
