import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Piece, piece, SendQueue } from '../../../../src/relay/transport/send-queue.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { expectEqual, expectSame } from '../../../helpers/often.ts';

const largestPiece = 64 * 1024;

type Step = { readonly copy: number; readonly messages: number } | { readonly push: number } | 'shift';

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      copy: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200_000 })),
      messages: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ push: fc.integer({ min: 2, max: 131 }) }) },
  { weight: 3, arbitrary: fc.constant('shift' as const) },
);

test('gives back the same bytes in order, and says rightly how many wait', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new SendQueue(budgetOf());
      const put: Buffer[] = [];
      const got: Buffer[] = [];
      let next = 0;
      let messages = 0;
      const fresh = (size: number) => Buffer.alloc(size).map(() => next++ % 251) as Buffer;
      const waiting: Piece[] = [];
      const shift = () => {
        const first = queue.shift();
        if (first === null) return null;
        expect(first.length).toBeGreaterThan(0);
        got.push(Buffer.from(first.bytes.subarray(0, first.length)));
        messages -= first.messages;
        if (first.control !== 0) expectSame(first, waiting.shift());
        return first;
      };
      let controls = 0;
      for (const step of steps) {
        if (step === 'shift') {
          if (shift()?.control) controls--;
        } else if ('push' in step) {
          const control = piece(fresh(step.push), 0, 9);
          queue.push(control);
          waiting.push(control);
          controls++;
          put.push(Buffer.from(control.bytes));
        } else {
          const bytes = fresh(step.copy);
          const chunk = Buffer.concat([Buffer.alloc(5, 0xff), bytes, Buffer.alloc(5, 0xff)]);
          queue.copy(chunk, 5, 5 + step.copy, step.messages);
          chunk.fill(0xff);
          put.push(bytes);
          messages += step.messages;
        }
        expectSame(queue.bytes, size(put) - size(got));
        expectSame(queue.isEmpty, queue.bytes === 0);
        expectSame(queue.messages, messages);
        expect(queue.capacity).toBeGreaterThanOrEqual(queue.bytes);
        // The last piece may have room, as may one in front of each control frame.
        expect(queue.capacity).toBeLessThan(queue.bytes + (controls + 1) * largestPiece);
      }
      while (shift() !== null);
      expectSame(Buffer.concat(got).equals(Buffer.concat(put)), true);
      expectEqual([queue.bytes, queue.messages, queue.capacity, queue.isEmpty], [0, 0, 0, true]);
    }),
    { numRuns: 200 },
  );
});

test('costs at most one piece more than what waits, and little where little waits', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 300 }), (sizes) => {
      const queue = new SendQueue(budgetOf());
      const chunk = Buffer.alloc(3000);
      for (const size of sizes) {
        queue.copy(chunk, 0, size, 0);
        expect(queue.capacity).toBeLessThan(queue.bytes + largestPiece);
        // A new piece has twice the size of the one before it, which is full, but has 512 bytes at least.
        expect(queue.capacity).toBeLessThan(3 * queue.bytes + 512);
      }
    }),
    { numRuns: 200 },
  );
});

function size(buffers: Buffer[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}
