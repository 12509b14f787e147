import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Silence } from '../../../src/front/silence.ts';
import type { KernelReading } from '../../../src/relay/core/stall.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Readings one after the other: a number is a new one of so many bytes. */
function silence(readings: (number | KernelReading | 'pending')[] | null) {
  const over = vi.fn();
  const watch = new Silence({
    inactivityMs: 60_000,
    owes: () => readings !== null,
    kernelQueue() {
      const reading = readings?.shift() ?? null;
      return typeof reading === 'number' ? { bytes: reading, at: performance.now() } : reading;
    },
    over,
    broke: () => {},
  });
  return { watch, over };
}

test('is over when nothing has moved for the time, and not before', () => {
  const { watch, over } = silence(null);
  vi.advanceTimersByTime(40_000);
  watch.touch();
  vi.advanceTimersByTime(59_999);
  expect(over).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(over).toHaveBeenCalledOnce();
});

test('a reader that the kernel still serves is not silent', () => {
  const { over } = silence([4_000_000, 3_000_000, 2_000_000, 1_500_000, 1_500_000, 1_500_000]);
  vi.advanceTimersByTime(150_000);
  expect(over).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(over).toHaveBeenCalledOnce();
});

test('a reader that takes nothing is silent, also where the kernel is slow to tell', () => {
  const { over } = silence(['pending', 'pending', 4_000_000, 'pending', 4_000_000]);
  vi.advanceTimersByTime(59_000);
  expect(over).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2000);
  expect(over).toHaveBeenCalledOnce();
});

test('a reading that is still the one of before says nothing', () => {
  const before = { bytes: 4_000_000, at: 1 };
  const { over } = silence([before, before, before, 3_000_000, 2_000_000]);
  vi.advanceTimersByTime(120_000);
  expect(over).not.toHaveBeenCalled();
});

test('where the kernel tells nothing, what moves here decides', () => {
  const { over } = silence([]);
  vi.advanceTimersByTime(60_000);
  expect(over).toHaveBeenCalledOnce();
});

test('never ends where there is no limit, nor after it was stopped', () => {
  const over = vi.fn();
  new Silence({ inactivityMs: 0, owes: () => false, kernelQueue: () => null, over, broke: () => {} });
  const { watch, over: stopped } = silence(null);
  watch.stop();
  vi.advanceTimersByTime(1e9);
  expect(over).not.toHaveBeenCalled();
  expect(stopped).not.toHaveBeenCalled();
});

test('a mistake of ours in looking is told, and whoever watches hears of it', () => {
  using mistakes = new HeardMistakes();
  const broke = vi.fn();
  const over = () => {
    throw new Error('over');
  };
  new Silence({ inactivityMs: 60_000, owes: () => false, kernelQueue: () => null, over, broke });
  vi.advanceTimersByTime(60_000);
  expect([mistakes.told, broke.mock.calls.length]).toEqual([['over'], 1]);
});
