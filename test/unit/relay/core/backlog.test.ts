import { expect, test } from 'vitest';
import { Backlog } from '../../../../src/relay/core/backlog.ts';
import type { Outlet } from '../../../../src/relay/core/sides.ts';
import { type Stage, verbatim } from '../../../../src/relay/core/stage.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { testRoute } from '../../../helpers/relay.ts';

const limits = testRoute({ client: { maxBufferBytes: 1000, maxQueue: 8 } }).limits.client;

function setUp(out: Partial<Outlet> = {}, held = 0, mostBytes = 1_000_000) {
  const memory = new MemoryBudget(mostBytes, () => {});
  const outlet = { blocked: true, bufferedBytes: 0, capacity: 0, queuedMessages: 0, undeliveredBytes: 0, ...out };
  const stage: Stage = {
    ...verbatim,
    heldBytes: held,
    capacity: 2 * held,
    drop: () => void Object.assign(stage, { heldBytes: 0, capacity: 0 }),
  };
  return { memory, outlet, backlog: new Backlog(stage, outlet as Outlet, memory) };
}

test('it is what waits in tail, stage and outlet', () => {
  const { backlog, memory } = setUp({ bufferedBytes: 100, capacity: 200 }, 10);
  expect([backlog.bytes, backlog.capacity, backlog.hasTail]).toEqual([110, 220, false]);
  backlog.holdTail(Buffer.from('tail'), false);
  expect([backlog.bytes, backlog.capacity, backlog.hasTail, memory.usedBytes]).toEqual([114, 224, true, 4]);
});

test('a tail is a copy, and what is left of it stays where it is', () => {
  const { backlog, memory } = setUp();
  const read = Buffer.from('..tail');
  backlog.holdTail(read.subarray(2), false);
  read.fill(0);
  const tail = backlog.takeTail()!;
  expect([tail.toString(), backlog.hasTail, memory.usedBytes]).toEqual(['tail', false, 0]);
  backlog.holdTail(tail.subarray(2), true);
  expect([backlog.bytes, backlog.capacity, memory.usedBytes]).toEqual([2, 4, 4]);
  expect(backlog.takeTail()!.buffer).toBe(tail.buffer);
  expect(backlog.takeTail()).toBe(null);
});

test('what is dropped of it is undelivered', () => {
  const { backlog, memory } = setUp({ undeliveredBytes: 100 }, 10);
  backlog.holdTail(Buffer.from('tail'), false);
  for (const drop of ['dropTail', 'dropHeld', 'dropTail', 'dropHeld'] as const) backlog[drop]();
  expect([backlog.undeliveredBytes, backlog.bytes, memory.usedBytes]).toEqual([114, 0, 0]);
});

test.each<[Partial<Outlet>, ReturnType<Backlog['overflow']>]>([
  [{ bufferedBytes: 1000, blocked: false }, null],
  [{ bufferedBytes: 999 }, null],
  [{ bufferedBytes: 1000 }, 'buffer'],
  [{ queuedMessages: 8 }, 'queue'],
])('%o overflows by %s', (out, cause) => {
  expect(setUp(out).backlog.overflow(limits)).toBe(cause);
});

test('where memory is short it overflows by what is allocated for it', () => {
  const { backlog, memory } = setUp({ bufferedBytes: 10, capacity: 500_000 });
  expect(backlog.overflow(limits)).toBe(null);
  memory.take(900_000);
  expect(backlog.overflow(limits)).toBe('memory');
});

test('a receiver has caught up below a quarter of both marks', () => {
  const drained = (out: Partial<Outlet>) => setUp(out).backlog.hasDrained(limits);
  expect([drained({ bufferedBytes: 250 }), drained({ bufferedBytes: 251 })]).toEqual([true, false]);
  expect([drained({ queuedMessages: 2 }), drained({ queuedMessages: 3 })]).toEqual([true, false]);
});
