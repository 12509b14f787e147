import { describe, expect, test } from 'vitest';
import { announceEnd, assignSlots, type Candidate, deadlineOf, lastWordsMs } from '../../../src/drain/schedule.ts';

const rule = { close: 'spread', spreadMs: 30_000, deadlineMs: 60_000, closeMs: 10_000 } as const;
const times = {
  startedAt: 1000,
  closingAt: 11_000,
  limitAt: Number.POSITIVE_INFINITY,
  leastAt: Number.NEGATIVE_INFINITY,
};
const never = Number.POSITIVE_INFINITY;

function candidate(overrides: Partial<Candidate['rule']> = {}, idleMs = 0, route = 'a'): Candidate {
  return { route, rule: { ...rule, ...overrides }, idleMs };
}

/** Numbers that come in turn, again and again. */
function drawing(...numbers: number[]): () => number {
  let i = 0;
  return () => numbers[i++ % numbers.length]!;
}

/** When each is closed, in ms after closing began. */
function closes(candidates: readonly Candidate[], random: () => number, now = times.closingAt): number[] {
  return assignSlots(candidates, times, now, random).map(({ closeAt }) => closeAt - times.closingAt);
}

describe('a spread', () => {
  test('gives each connection a part of the window, and a random moment in it', () => {
    // The lots put the second first; then each draws its moment.
    expect(closes([candidate(), candidate(), candidate()], drawing(0.5, 0.1, 0.9, 0, 0.5, 0.999))).toEqual([
      10_000, 5000, 29_990,
    ]);
  });

  test('puts a single connection anywhere in the window', () => {
    expect(closes([candidate()], drawing(0.3))).toEqual([9000]);
  });

  test('begins with those that had no data for ten seconds, whatever their lots', () => {
    const candidates = [candidate({}, 9999), candidate({}, 10_000), candidate({}, 0), candidate({}, never)];
    const [recent, idle, busy, silent] = closes(candidates, drawing(0.1, 0.9, 0.2, 0.8, 0.5, 0.5, 0.5, 0.5));
    expect([silent, idle, recent, busy]).toEqual([3750, 11_250, 18_750, 26_250]);
  });

  test('is made anew for each route', () => {
    const candidates = [candidate({}, 0, 'a'), candidate({}, 0, 'b'), candidate({}, 0, 'b')];
    expect(closes(candidates, drawing(0))).toEqual([0, 0, 15_000]);
  });

  test('of nothing closes all at once', () => {
    expect(closes([candidate({ spreadMs: 0 }), candidate({ spreadMs: 0 })], drawing(0.7))).toEqual([0, 0]);
  });

  test('leaves time for a goodbye before the deadline', () => {
    // 61 s is the deadline, 11 s the beginning, and a goodbye takes 10 s.
    expect(closes([candidate({ spreadMs: 300_000 })], drawing(0.5))).toEqual([20_000]);
  });

  test('takes half of what is left where a goodbye takes longer than that', () => {
    expect(closes([candidate({ closeMs: 600_000 })], drawing(0.5))).toEqual([12_500]);
  });

  test('has what is left of its window for a connection that comes late, and nothing after it', () => {
    expect(closes([candidate()], drawing(0.5), times.closingAt + 20_000)).toEqual([25_000]);
    expect(closes([candidate()], drawing(0.5), times.closingAt + 31_000)).toEqual([31_000]);
  });
});

describe('a wait', () => {
  test('ends a second before the deadline, so that the client hears why', () => {
    const [slot] = assignSlots([candidate({ close: 'wait' })], times, times.closingAt, drawing(0));
    expect(slot).toEqual({ closeAt: 60_000, cutAt: 61_000 });
  });

  test('ends at once where the deadline is nearer than that', () => {
    const [slot] = assignSlots([candidate({ close: 'wait', deadlineMs: 10_500 })], times, 11_000, drawing(0));
    expect(slot).toEqual({ closeAt: 11_000, cutAt: 11_500 });
  });
});

describe('a deadline', () => {
  test('counts from the beginning, and yields to one who cannot wait', () => {
    expect(deadlineOf(60_000, times)).toBe(61_000);
    expect(deadlineOf(60_000, { ...times, limitAt: 12_000 })).toBe(12_000);
    expect(deadlineOf(60_000, { ...times, leastAt: 62_000 })).toBe(62_000);
    expect(deadlineOf(60_000, { ...times, leastAt: 62_000, limitAt: 61_500 })).toBe(61_500);
  });

  test('is the same for every connection of a drain that is hastened', () => {
    const slots = assignSlots(
      [candidate(), candidate({ close: 'wait' })],
      { ...times, limitAt: times.closingAt + lastWordsMs },
      times.closingAt,
      drawing(0.9),
    );
    const now = { closeAt: times.closingAt, cutAt: times.closingAt + lastWordsMs };
    expect(slots).toEqual([now, now]);
  });
});

describe('the announcement', () => {
  test('takes as long as it is configured', () => {
    expect(announceEnd(1000, 10_000, [60_000, 90_000])).toBe(11_000);
    expect(announceEnd(1000, 0, [60_000])).toBe(1000);
  });

  test('leaves a second before the first deadline', () => {
    expect(announceEnd(1000, 10_000, [60_000, 5000])).toBe(5000);
    expect(announceEnd(1000, 10_000, [500])).toBe(1000);
  });
});
