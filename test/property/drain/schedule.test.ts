import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignSlots, type Candidate } from '../../../src/drain/schedule.ts';

/** Nobody is in a hurry, and no configuration has come. */
const unbounded = { limitAt: Number.POSITIVE_INFINITY, leastAt: Number.NEGATIVE_INFINITY };

const ms = (max: number) => fc.integer({ min: 0, max });
const candidates: fc.Arbitrary<Candidate[]> = fc.array(
  fc.record({
    route: fc.constantFrom('a', 'b'),
    rule: fc.record({
      close: fc.constantFrom('spread' as const, 'wait' as const),
      spreadMs: ms(120_000),
      deadlineMs: ms(120_000),
      closeMs: ms(30_000),
    }),
    idleMs: ms(30_000),
  }),
);
const chance = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

/** Numbers of a stream, one at a call. */
function drawing(stream: Iterator<number>): () => number {
  return () => stream.next().value as number;
}

test('every slot lies between now and its deadline, and is no later than a second before it where there is one', () => {
  fc.assert(
    fc.property(candidates, ms(60_000), ms(60_000), chance, (all, announcedMs, lateMs, stream) => {
      const times = { startedAt: 5, closingAt: 5 + announcedMs, ...unbounded };
      const now = times.closingAt + lateMs;
      const slots = assignSlots(all, times, now, drawing(stream));
      expect(slots).toHaveLength(all.length);
      for (const [i, { closeAt, cutAt }] of slots.entries()) {
        const { close, spreadMs, deadlineMs } = all[i]!.rule;
        expect(cutAt).toBe(5 + deadlineMs);
        expect(closeAt).toBeGreaterThanOrEqual(now);
        expect(closeAt).toBeLessThanOrEqual(Math.max(now, cutAt - 1000));
        if (close === 'wait') expect(closeAt).toBe(Math.max(now, cutAt - 1000));
        else expect(closeAt).toBeLessThanOrEqual(Math.max(now, times.closingAt + spreadMs));
      }
    }),
  );
});

test('any number of connections is spread evenly, the idle ones first', () => {
  const rule = { close: 'spread', spreadMs: 10_000, deadlineMs: 60_000, closeMs: 10_000 } as const;
  const idleness = fc.array(fc.constantFrom(0, 60_000), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(idleness, chance, (all, stream) => {
      const times = { startedAt: 0, closingAt: 0, ...unbounded };
      const slots = assignSlots(
        all.map((idleMs) => ({ route: 'a', rule, idleMs })),
        times,
        0,
        drawing(stream),
      );
      const inOrder = slots.map(({ closeAt }, i) => ({ closeAt, idleMs: all[i]! }));
      inOrder.sort((a, b) => a.closeAt - b.closeAt || b.idleMs - a.idleMs);
      const partMs = rule.spreadMs / all.length;
      for (const [i, { closeAt }] of inOrder.entries()) expect(Math.abs(closeAt / partMs - i - 0.5)).toBeLessThan(0.51);
      const idle = all.filter((idleMs) => idleMs > 0).length;
      expect(inOrder.slice(0, idle).every(({ idleMs }) => idleMs > 0)).toBe(true);
    }),
  );
});
