import fc from 'fast-check';
import { describe, test } from 'vitest';
import { MessageMeter } from '../../../src/limits/message-meter.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';
import { senderLimits } from '../../helpers/relay.ts';

const { MAX_SAFE_INTEGER, POSITIVE_INFINITY } = Number;

/** Lengths as a header may announce them; `Infinity` is what the parser says beyond 2^53 - 1. */
const length = fc.oneof(
  fc.nat(50),
  fc.maxSafeNat(),
  fc.constantFrom(0, 2 ** 32, MAX_SAFE_INTEGER - 1, MAX_SAFE_INTEGER, POSITIVE_INFINITY),
);
const limit = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(2 ** 32, MAX_SAFE_INTEGER, POSITIVE_INFINITY));
const limits = fc.record({
  maxMessageBytes: limit,
  maxFrameBytes: limit,
  maxFragments: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constant(POSITIVE_INFINITY)),
});

test('says the same as exact arithmetic, up to the first refusal', () => {
  fc.assert(
    fc.property(limits, fc.array(length, { minLength: 1, maxLength: 15 }), (limits, lengths) => {
      const meter = new MessageMeter(senderLimits(limits));
      let total = 0n;
      for (const [i, length] of lengths.entries()) {
        const exact = length === POSITIVE_INFINITY ? 2n ** 63n - 1n : BigInt(length);
        total += exact;
        // What is unlimited ends at 2^53 - 1.
        const bound = (value: number) => BigInt(Math.min(value, MAX_SAFE_INTEGER));
        const expected =
          total > bound(limits.maxMessageBytes)
            ? 'max_message_size'
            : exact > bound(limits.maxFrameBytes)
              ? 'max_frame_size'
              : i + 1 > limits.maxFragments
                ? 'max_fragments'
                : null;
        expectSame(meter.frame(length), expected);
        if (expected !== null) return;
        expectEqual([BigInt(meter.bytes), meter.fragments], [total, i + 1]);
      }
    }),
    { numRuns: 2000 },
  );
});

describe.each([1, 2, 100])('a message in %i frames, split at random', (frames) => {
  test('passes with limit - 1 and limit bytes, and is refused with limit + 1', () => {
    const split = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: frames - 1,
      maxLength: frames - 1,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000_000 }), fc.integer({ min: -1, max: 1 }), split, (max, over, at) => {
        const size = max + over;
        const ends = [...at.map((share) => Math.floor(share * size)).sort((a, b) => a - b), size];
        const meter = new MessageMeter(senderLimits({ maxMessageBytes: max }));
        let from = 0;
        for (const end of ends) {
          // Refused at the header that announces the byte too many, not before and not after.
          expectSame(meter.frame(end - from), end > max ? 'max_message_size' : null);
          from = end;
        }
        expectSame(meter.bytes, size);
      }),
      { numRuns: 300 },
    );
  });
});
