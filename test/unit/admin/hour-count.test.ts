import { expect, test } from 'vitest';
import { HourCount } from '../../../src/admin/hour-count.ts';

const minute = 60_000;
/** The start of a slot. */
const start = 1_800_000_000_000;

test('counts what was added within the hour', () => {
  const hour = new HourCount();
  hour.add(2, start);
  hour.add(3, start + minute);
  hour.add(1, start + 40 * minute);
  expect(hour.count(start + 41 * minute)).toBe(6);
});

test('forgets what is older, slot by slot', () => {
  const hour = new HourCount();
  for (let i = 0; i < 12; i++) hour.add(1, start + i * 5 * minute);
  expect(hour.count(start + 59 * minute)).toBe(12);
  expect(hour.count(start + 60 * minute)).toBe(11);
  expect(hour.count(start + 75 * minute)).toBe(8);
  hour.add(1, start + 75 * minute);
  expect(hour.count(start + 75 * minute)).toBe(9);
});

test('forgets everything after a long silence', () => {
  const hour = new HourCount();
  hour.add(7, start);
  expect(hour.count(start + 48 * 60 * minute)).toBe(0);
  hour.add(1, start + 48 * 60 * minute);
  expect(hour.count(start + 48 * 60 * minute)).toBe(1);
});
