import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Summary } from '../../../../src/observe/log/summary.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the first is told at once, the others together, and the rest at the end', () => {
  const told: number[] = [];
  const summary = new Summary((count) => told.push(count));
  summary.add();
  summary.add();
  summary.add();
  expect(told).toEqual([1]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([1, 2]);
  summary.add();
  expect(told).toEqual([1, 2]);
  summary.close();
  expect(told).toEqual([1, 2, 1]);
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([1, 2, 1]);
});

test('after a quiet interval the next is told at once again', () => {
  const told: number[] = [];
  const summary = new Summary((count) => told.push(count));
  summary.add();
  vi.advanceTimersByTime(10_000);
  summary.add();
  expect(told).toEqual([1, 1]);
});

test('what is said is of the last time', () => {
  const told: [number, string][] = [];
  const summary = new Summary<string>((count, last) => told.push([count, last]));
  summary.add('a');
  summary.add('b');
  summary.add('c');
  summary.close();
  expect(told).toEqual([
    [1, 'a'],
    [2, 'c'],
  ]);
});
