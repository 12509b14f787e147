import { expect, test, vi } from 'vitest';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';

function budget(limit: number) {
  const onSpent = vi.fn();
  return { budget: new MemoryBudget(limit, onSpent), onSpent };
}

const KiB = 1024;

test('a sender may fill its own buffer while there is room', () => {
  const { budget: memory, onSpent } = budget(1000);
  memory.take(749);
  expect(memory).toMatchObject({ usedBytes: 749, pressed: false, excessBytes: 0 });
  expect([memory.allowsRead(1e9), memory.allowsResuming(1e9)]).toEqual([true, true]);
  expect(memory.pressure).toBeCloseTo(0.749);
  expect(onSpent).not.toHaveBeenCalled();
});

test('from three quarters on, a sender is read while that fits into its share of what is left', () => {
  const { budget: memory } = budget(64 * 1024 * KiB);
  memory.take(48 * 1024 * KiB);
  expect(memory.pressed).toBe(true);
  // 16 MiB are left: a share of 256 KiB, and 32 KiB for the next read.
  expect([memory.allowsRead(224 * KiB), memory.allowsRead(224 * KiB + 1)]).toEqual([true, false]);
  expect([memory.allowsResuming(64 * KiB), memory.allowsResuming(64 * KiB + 1)]).toEqual([true, false]);
  memory.take(12 * 1024 * KiB);
  expect([memory.allowsRead(32 * KiB), memory.allowsRead(32 * KiB + 1)]).toEqual([true, false]);
});

test('where a share is less than a read, one read is all that waits', () => {
  const { budget: memory } = budget(1000 * KiB);
  memory.take(750 * KiB);
  expect([memory.allowsRead(1), memory.allowsResuming(0)]).toEqual([false, true]);
});

test('the limit itself may be held; a byte more is told at once, and nobody may add', () => {
  const { budget: memory, onSpent } = budget(1000);
  memory.take(1000);
  expect([memory.excessBytes, onSpent.mock.calls.length]).toEqual([0, 0]);
  memory.take(1);
  expect([memory.excessBytes, onSpent.mock.calls.length]).toEqual([1, 1]);
  expect([memory.allowsRead(0), memory.allowsResuming(1), memory.allowsResuming(0)]).toEqual([false, false, true]);
  memory.give(500);
  expect([memory.excessBytes, memory.pressed]).toEqual([0, false]);
});

test('a new limit holds at once', () => {
  const { budget: memory, onSpent } = budget(1000);
  memory.take(600);
  memory.limitBytes = 500;
  expect([memory.limitBytes, memory.excessBytes, onSpent.mock.calls.length]).toEqual([500, 100, 1]);
  memory.limitBytes = Number.POSITIVE_INFINITY;
  expect([memory.pressed, memory.pressure, memory.allowsRead(1e9)]).toEqual([false, 0, true]);
});
