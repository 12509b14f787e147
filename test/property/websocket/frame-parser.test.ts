import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Event, FrameParser } from '../../../src/websocket/frame-parser.ts';
import { cuts, frames } from '../../helpers/arbitrary-frames.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';
import { cut, readAll, type Seen } from '../../helpers/parser-events.ts';

describe.each([
  ['a client, masked', true],
  ['a server, unmasked', false],
])('frames of %s', (_, masked) => {
  test('are the same events however their bytes are cut', () => {
    fc.assert(
      fc.property(frames(masked), cuts, (stream, sizes) => {
        const chunks = cut(Buffer.concat(stream.map((one) => one.bytes)), sizes);
        const parser = new FrameParser(masked);
        expectEqual(
          readAll(parser, chunks),
          stream.flatMap((one) => one.seen),
        );
        expectEqual([parser.betweenFrames, parser.inMessage], [true, false]);
      }),
      { numRuns: 120 },
    );
  });

  test('are the same events with garbage behind them, wherever it is cut', () => {
    const garbage = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(frames(masked, 2), garbage, cuts, (stream, bad, sizes) => {
        const bytes = Buffer.concat([...stream.map((one) => one.bytes), bad]);
        const whole = readAll(new FrameParser(masked), [bytes]);
        expectEqual(readAll(new FrameParser(masked), cut(bytes, sizes)), whole);
        const known = stream.flatMap((one) => one.seen);
        expectEqual(whole.slice(0, known.length), known);
      }),
      { numRuns: 300 },
    );
  });
});

/** Bytes that look like headers more often than chance would have it. */
const nearlyFrames = fc
  .array(
    fc.tuple(
      fc.constantFrom(0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x83, 0x0a, 0xc1),
      fc.constantFrom(0x00, 0x01, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0xfd, 0xfe, 0xff),
      fc.uint8Array({ maxLength: 16 }),
    ),
    { maxLength: 10 },
  )
  .map((parts) => Buffer.concat(parts.map(([first, second, rest]) => Buffer.from([first, second, ...rest]))));

test('garbage never throws, never yields bytes outside of what was fed, and ends in a fault or waits for more', () => {
  const garbage = fc.oneof(
    nearlyFrames,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(garbage, cuts, fc.boolean(), (bytes, sizes, masked) => {
      const parser = new FrameParser(masked);
      // It throws where a span or the position leaves the chunk.
      const seen = readAll(parser, cut(bytes, sizes));
      expect(seen.length).toBeLessThanOrEqual(2 * bytes.length);
      if (!isFault(seen.at(-1))) return;
      parser.feed(bytes, 0, bytes.length);
      expectSame(parser.next(), Event.fault);
      expect(parser.fault).not.toBe('');
    }),
    { numRuns: 3000 },
  );
});

function isFault(seen: Seen | undefined): boolean {
  return typeof seen === 'object' && 'fault' in seen;
}
