import { expect, test } from 'vitest';
import { httpDate } from '../../../src/front/date.ts';

test('a moment is written as a Date field has it, whichever was asked for before', () => {
  const begin = Date.UTC(2026, 10, 30, 5, 40, 12);
  for (const ms of [0, 999, 1000, 999, 3_600_000]) {
    expect(httpDate(begin + ms)).toBe(new Date(begin + ms).toUTCString());
  }
  expect(httpDate(begin)).toBe('Mon, 30 Nov 2026 05:40:12 GMT');
});
