import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Visit } from '../../../src/admission/visit.ts';
import { Reception, type VisitHost } from '../../../src/front/reception.ts';
import { Recorder } from '../../../src/front/recorder.ts';
import { RouteCounters } from '../../../src/observe/metrics/counters.ts';
import { MemoryBudget } from '../../../src/relay/memory/memory-budget.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';
import { LogLines } from '../../helpers/log-lines.ts';
import { admissionRoute, testVisit } from '../../helpers/visit.ts';

/** A reception, and a lane that writes down what it is told of visits. */
function setUp() {
  const told: string[] = [];
  const lines = new LogLines();
  const memory = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  const recorder = new Recorder({ log: lines.log, rejected: () => {}, hub: null, unrouted: () => new RouteCounters() });
  const reception = new Reception({ log: lines.log, recorder, refusesHandshakes: () => false, memory });
  const host: VisitHost = {
    admitted: () => told.push('admitted'),
    turnedAway: () => told.push('turned away'),
    givenUp: () => told.push('given up'),
    left: () => told.push('left'),
    unread: null,
    bodyBytes: -1,
  };
  return { reception, memory, host, told };
}

/** A visit whose step never answers. */
function waitingVisit(): Visit {
  return testVisit({ route: admissionRoute({}, { steps: () => [() => new Promise(() => {})] }) });
}

test('a mistake of ours about a client that leaves while it waits ends its connection, and no more', async () => {
  using mistakes = new HeardMistakes();
  const { reception, memory, host, told } = setUp();
  const left = () => {
    throw new Error('left');
  };
  const visit = waitingVisit();
  expect(reception.receive(visit, { ...host, left })).toBe(true);
  visit.leave();
  // What a listener of a signal throws, Node throws again in the next tick, and nobody catches it there.
  await new Promise(setImmediate);
  expect([told, mistakes.told]).toEqual([['given up'], ['left']]);
  expect([memory.usedBytes, reception.requests]).toEqual([0, 0]);
});

test('a mistake of ours in looking after one that waits ends that one', async () => {
  using mistakes = new HeardMistakes();
  const { reception, memory, host, told } = setUp();
  const { promise, resolve } = Promise.withResolvers<number>();
  const broken: VisitHost = {
    ...host,
    givenUp: () => resolve(told.push('given up')),
    get unread(): never {
      throw new Error('unread');
    },
  };
  reception.receive(waitingVisit(), host);
  reception.receive(waitingVisit(), broken);
  await promise;
  expect([told, mistakes.told, reception.requests]).toEqual([['given up'], ['unread'], 1]);
  reception.abort(() => true);
  expect(memory.usedBytes).toBe(0);
});

test('a mistake of the lane with one it is given at once goes to whoever brought it, and nothing stays lent', () => {
  const { reception, host } = setUp();
  let lent = 0;
  const lends = (visit: Visit) => {
    lent++;
    visit.lend({ [Symbol.dispose]: () => lent-- });
    return null;
  };
  const admitted = () => {
    expect(lent).toBe(1);
    throw new Error('made on purpose');
  };
  const visit = testVisit({ route: admissionRoute({}, { steps: () => [lends] }) });
  expect(() => reception.receive(visit, { ...host, admitted })).toThrow('made on purpose');
  expect(lent).toBe(0);
});

test('the clock that looks after those who wait runs while any does, and no longer than a tick', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { reception, host, told } = setUp();
  for (const round of [1, 2]) {
    reception.receive(waitingVisit(), host);
    vi.advanceTimersByTime(5000);
    expect([reception.requests, vi.getTimerCount()]).toEqual([1, 1]);
    reception.abort(() => true);
    expect(told).toHaveLength(round);
    vi.advanceTimersByTime(500);
    expect(vi.getTimerCount()).toBe(0);
  }
});

describe('what was lent to one that waits goes back', () => {
  /** A visit that is lent something, and waits for `answer`; it is lent more when that comes. */
  function lendingVisit() {
    const lent = { now: 0 };
    const answer = Promise.withResolvers<null>();
    const lend = (visit: Visit) => {
      lent.now++;
      visit.lend({ [Symbol.dispose]: () => lent.now-- });
      return null;
    };
    const steps = [lend, (visit: Visit) => answer.promise.then(() => lend(visit))];
    return { lent, answer, visit: testVisit({ route: admissionRoute({}, { steps: () => steps }) }) };
  }

  test('when it is given up or its client leaves, and what comes later too', async () => {
    const { reception, host } = setUp();
    for (const end of [() => reception.abort(() => true), (visit: Visit) => visit.leave()]) {
      const { lent, answer, visit } = lendingVisit();
      reception.receive(visit, host);
      expect(lent.now).toBe(1);
      end(visit);
      expect(lent.now).toBe(0);
      answer.resolve(null);
      await new Promise(setImmediate);
      expect(lent.now).toBe(0);
    }
  });

  test('when the lane makes a mistake with it', async () => {
    const { reception, host, told } = setUp();
    const { lent, answer, visit } = lendingVisit();
    const admitted = () => {
      throw new Error('made on purpose');
    };
    reception.receive(visit, { ...host, admitted });
    answer.resolve(null);
    await new Promise(setImmediate);
    expect([lent.now, told]).toEqual([0, ['given up']]);
  });
});
