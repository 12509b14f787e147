import { expect, test, vi } from 'vitest';
import { MemoryBudget } from '../../../src/relay/memory-budget.ts';

function budget(limit: number) {
  const onSpent = vi.fn();
  return { budget: new MemoryBudget(limit, onSpent), onSpent };
}

test('a sender may fill its own buffer while there is room', () => {
  const { budget: memory, onSpent } = budget(1000);
  memory.take(749);
  expect(memory).toMatchObject({ usedBytes: 749, pressed: false, excessBytes: 0, allowance: Number.POSITIVE_INFINITY });
  expect(memory.pressure).toBeCloseTo(0.749);
  expect(onSpent).not.toHaveBeenCalled();
});

test('from three quarters on, each of those that wait has a fair share', () => {
  const { budget: memory } = budget(1000);
  for (let i = 0; i < 5; i++) memory.enter();
  memory.take(750);
  expect(memory).toMatchObject({ pressed: true, allowance: 150 });
  memory.leave();
  memory.leave();
  expect(memory.allowance).toBe(250);
});

test('leases alone can press, and nobody waits then', () => {
  const { budget: memory } = budget(1000);
  memory.take(800);
  expect(memory.allowance).toBe(750);
});

test('the limit itself may be held; a byte more is told at once, and nobody may add', () => {
  const { budget: memory, onSpent } = budget(1000);
  memory.take(1000);
  expect([memory.excessBytes, onSpent.mock.calls.length]).toEqual([0, 0]);
  memory.take(1);
  expect([memory.excessBytes, onSpent.mock.calls.length, memory.allowance]).toEqual([1, 1, 0]);
  memory.give(500);
  expect([memory.excessBytes, memory.pressed]).toEqual([0, false]);
});

test('a new limit holds at once', () => {
  const { budget: memory, onSpent } = budget(1000);
  memory.take(600);
  memory.limitBytes = 500;
  expect([memory.limitBytes, memory.excessBytes, onSpent.mock.calls.length]).toEqual([500, 100, 1]);
  memory.limitBytes = Number.POSITIVE_INFINITY;
  expect([memory.pressed, memory.pressure, memory.allowance]).toEqual([false, 0, Number.POSITIVE_INFINITY]);
});
