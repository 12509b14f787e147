import { expect, test } from 'vitest';
import { SenderCounters } from '../../../../src/observe/metrics/counters.ts';
import { Pauses } from '../../../../src/relay/core/pauses.ts';

function setUp() {
  const counters = new SenderCounters();
  return { counters, pauses: new Pauses(counters) };
}

test('the first cause pauses and the last one gone resumes', () => {
  const { pauses } = setUp();
  expect(pauses.any).toBe(false);
  expect([pauses.add('buffer', 0), pauses.add('rate', 10), pauses.add('buffer', 20)]).toEqual([true, false, false]);
  expect([pauses.any, pauses.has('buffer'), pauses.has('queue')]).toEqual([true, true, false]);
  expect([pauses.remove('buffer', 30), pauses.remove('buffer', 40), pauses.remove('rate', 50)]).toEqual([
    ...[false, false, true],
  ]);
  expect(pauses.any).toBe(false);
});

test('names the causes of now with their beginnings', () => {
  const { pauses } = setUp();
  expect([...pauses.causes]).toEqual([]);
  pauses.add('buffer', 10);
  pauses.add('rate', 20);
  pauses.remove('buffer', 30);
  expect([...pauses.causes]).toEqual([['rate', 20]]);
  expect(pauses.pausedAt).toBe(10);
  pauses.remove('rate', 40);
  expect([[...pauses.causes], pauses.pausedAt, pauses.totalMs]).toEqual([[], null, 30]);
});

test('counts each cause, and its time, by itself', () => {
  const { counters, pauses } = setUp();
  pauses.add('buffer', 100);
  pauses.add('queue', 150);
  pauses.add('queue', 160);
  pauses.remove('buffer', 300);
  pauses.remove('queue', 400);
  pauses.add('buffer', 1000);
  pauses.remove('buffer', 1001);
  expect(counters.pauses).toEqual({ buffer: 2, queue: 1, rate: 0, memory: 0 });
  expect(counters.pausedMs).toEqual({ buffer: 201, queue: 250, rate: 0, memory: 0 });
});

test('the time of the whole counts overlapping causes once', () => {
  const { pauses } = setUp();
  pauses.add('buffer', 100);
  pauses.add('rate', 150);
  pauses.remove('buffer', 300);
  expect(pauses.totalMs).toBe(0);
  pauses.remove('rate', 400);
  expect([pauses.count, pauses.totalMs]).toEqual([1, 300]);
  pauses.add('rate', 1000);
  pauses.remove('rate', 1007);
  expect([pauses.count, pauses.totalMs]).toEqual([2, 307]);
});

test('knows a sender that waits for its receiver from one that waits for its rate or a goodbye', () => {
  const waits = (['buffer', 'queue', 'memory', 'rate', 'drain'] as const).map((cause) => {
    const { pauses } = setUp();
    pauses.add(cause, 0);
    return pauses.waitsForReceiver;
  });
  expect(waits).toEqual([true, true, true, false, false]);
});

test('a goodbye is no pause that anyone counts', () => {
  const { counters, pauses } = setUp();
  expect(pauses.add('drain', 0)).toBe(true);
  expect(pauses.remove('drain', 10)).toBe(true);
  expect(pauses.count).toBe(0);
  expect(counters).toEqual(new SenderCounters());
});

test('ends all causes at once', () => {
  const { counters, pauses } = setUp();
  pauses.add('memory', 0);
  pauses.add('queue', 5);
  pauses.clear(10);
  expect(pauses.any).toBe(false);
  expect(counters.pausedMs).toEqual({ buffer: 0, queue: 5, rate: 0, memory: 10 });
  expect(pauses.totalMs).toBe(10);
  pauses.clear(20);
  expect(pauses.totalMs).toBe(10);
});
