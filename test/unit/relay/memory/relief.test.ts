import { expect, test } from 'vitest';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { type Holder, MemoryRelief } from '../../../../src/relay/memory/relief.ts';

/** Connections that hold so much each, under a budget of `limit` bytes, and in which order they ended. */
function setUp(limit: number, sizes: readonly number[], shed: readonly number[] = []) {
  const budget = new MemoryBudget(limit, () => {});
  const buffers = new ReadBuffers(budget);
  const ended: number[] = [];
  const halted: number[] = [];
  const yielded: number[] = [];
  const holders = sizes.map((size, i): Holder & { capacity: number } => {
    const holder = {
      capacity: size,
      isShed: shed.includes(i),
      sources: [{ halt: () => halted.push(i) > 0, carryOn: () => void halted.splice(halted.indexOf(i), 1) }],
      yieldMemory: () => void yielded.push(i),
      shed: () => {
        ended.push(i);
        budget.give(holder.capacity);
        holder.capacity = 0;
      },
    };
    budget.take(size);
    return holder;
  });
  return { budget, buffers, ended, halted, yielded, relief: new MemoryRelief(new Set(holders)) };
}

test('does nothing while all fits', () => {
  const { relief, budget, buffers, ended, yielded } = setUp(1000, [500, 500]);
  expect(relief.relieve(budget, buffers, 0)).toBe(false);
  expect([ended, yielded]).toEqual([[], []]);
});

test('pauses everybody, and ends the largest until the rest fits', () => {
  const { relief, budget, buffers, ended, yielded } = setUp(1000, [100, 600, 300, 400]);
  relief.relieve(budget, buffers, 0);
  expect(yielded).toEqual([0, 1, 2, 3]);
  expect(ended).toEqual([1]);
  expect(budget.usedBytes).toBe(800);
});

test('what is left of those that have ended for it goes first', () => {
  const { relief, budget, buffers, ended } = setUp(1000, [500, 50, 300, 200], [1]);
  relief.relieve(budget, buffers, 0);
  // The small one is not enough.
  expect(ended).toEqual([1, 0]);
});

test('a 64th of the bound goes beyond what must, so that the next reads do not each end one more', () => {
  const { relief, budget, buffers, ended } = setUp(640, new Array<number>(65).fill(10));
  relief.relieve(budget, buffers, 0);
  expect(ended).toHaveLength(2);
});

test('nobody is read while much of what was let go is still written from', () => {
  const { relief, budget, buffers, halted } = setUp(1000, [600, 500]);
  budget.lingeringBytes = 63;
  expect(relief.relieve(budget, buffers, 0)).toBe(true);
  expect(halted).toEqual([0, 1]);
  budget.take(1000);
  // They are halted already.
  expect(relief.relieve(budget, buffers, 0)).toBe(false);
  relief.carryOn();
  expect(halted).toEqual([]);
});

test('a little that lingers halts nobody', () => {
  const { relief, budget, buffers, halted } = setUp(1000, [600, 500]);
  budget.lingeringBytes = 62;
  expect(relief.relieve(budget, buffers, 0)).toBe(false);
  expect(halted).toEqual([]);
});

test('a request that holds memory goes as a connection does', () => {
  const { relief, budget, buffers, ended } = setUp(1000, [500, 300]);
  const request = {
    capacity: 700,
    isShed: false,
    shed() {
      ended.push(-1);
      budget.give(request.capacity);
      request.capacity = 0;
    },
  };
  budget.take(request.capacity);
  budget.holders.add(request);
  relief.relieve(budget, buffers, 0);
  expect(ended).toEqual([-1]);
});
