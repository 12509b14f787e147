import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from '../../../src/limits/token-bucket.ts';
import { expectSame } from '../../helpers/often.ts';

const rate = fc.record({
  perSecond: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000_000 })),
  burst: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 100_000_000 })),
  action: fc.constant('pause' as const),
});
const pass = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(20), fc.nat(5000));
const steps = <T>(step: fc.Arbitrary<T>) => fc.array(fc.tuple(pass, step), { maxLength: 200 });

/** What a number may be off by: some 200 roundings of a value up to 10^8. */
const slack = 1e-5;

test('never lets more through than its burst and its rate together, in any stretch of time', () => {
  fc.assert(
    fc.property(rate, steps(fc.constant(null)), (rate, tries) => {
      const bucket = new TokenBucket(rate, 0);
      const passed: number[] = [];
      let now = 0;
      for (const [ms] of tries) {
        now += ms;
        if (bucket.take(now)) passed.push(now);
      }
      for (let from = 0; from < passed.length; from++) {
        for (let to = from; to < passed.length; to++) {
          const most = rate.burst + ((passed[to]! - passed[from]!) / 1000) * rate.perSecond;
          expect(to - from + 1).toBeLessThanOrEqual(most + slack);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('holds what a bucket of whole thousandths of tokens holds', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('take' as const) },
    { weight: 2, arbitrary: fc.record({ charge: fc.nat(5000) }) },
    { weight: 1, arbitrary: fc.record({ change: rate }) },
  );
  fc.assert(
    fc.property(rate, steps(step), (first, run) => {
      const bucket = new TokenBucket(first, 0);
      let rate = first;
      let now = 0;
      // In thousandths: a millisecond brings `perSecond` of them, so that the reference is exact.
      let held = first.burst * 1000;
      for (const [ms, step] of run) {
        now += ms;
        held = Math.min(rate.burst * 1000, held + ms * rate.perSecond);
        if (step === 'take') {
          const taken = bucket.take(now);
          // Exactly one token may be rounded to either side.
          if (held !== 1000) expectSame(taken, held > 1000);
          if (taken) held -= 1000;
        } else if ('charge' in step) {
          held -= step.charge * 1000;
          const debt = bucket.charge(step.charge, now);
          if (held !== 0) expectSame(debt, held < 0);
        } else {
          rate = step.change;
          bucket.change(rate, now);
          held = Math.min(held, rate.burst * 1000);
        }
        const owed = Math.max(0, -held / rate.perSecond);
        expect(bucket.waitMs(0, now)).toBeCloseTo(owed, 3);
        const missing = Math.max(0, (1000 - held) / rate.perSecond);
        expect(bucket.waitMs(1, now)).toBeCloseTo(missing, 3);
      }
    }),
    { numRuns: 500 },
  );
});

test('has a token for whoever has waited as long as it said, and none before', () => {
  fc.assert(
    fc.property(rate, fc.nat(10_000), fc.nat(1000), (rate, charged, at) => {
      const bucket = new TokenBucket(rate, 0);
      bucket.charge(charged, at);
      const wait = bucket.waitMs(1, at);
      if (wait > 1) expectSame(bucket.take(at + Math.floor(wait - 0.01)), false);
      // A millisecond for the rounding: a wait of whole milliseconds may come out a hair too short.
      expectSame(bucket.take(at + Math.ceil(wait) + 1), true);
    }),
    { numRuns: 2000 },
  );
});
