import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type KernelBytes, Silence } from '../../../src/front/silence.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function silence(readings: KernelBytes[] | null) {
  const over = vi.fn();
  const watch = new Silence({
    inactivityMs: 60_000,
    owes: () => readings !== null,
    kernelBytes: () => readings?.shift() ?? null,
    over,
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

test('where the kernel tells nothing, what moves here decides', () => {
  const { over } = silence([]);
  vi.advanceTimersByTime(60_000);
  expect(over).toHaveBeenCalledOnce();
});

test('never ends where there is no limit, nor after it was stopped', () => {
  const over = vi.fn();
  new Silence({ inactivityMs: 0, owes: () => false, kernelBytes: () => null, over });
  const { watch, over: stopped } = silence(null);
  watch.stop();
  vi.advanceTimersByTime(1e9);
  expect(over).not.toHaveBeenCalled();
  expect(stopped).not.toHaveBeenCalled();
});
