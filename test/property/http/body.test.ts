import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkedBodies, disturbed, pieces } from '../../helpers/arbitrary-heads.ts';
import { readBody } from '../../helpers/head-events.ts';
import { llhttp } from '../../helpers/llhttp.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';
import { cut } from '../../helpers/parser-events.ts';
import kept from './kept.json' with { type: 'json' };

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

test('chunks pass as they came but for their extensions, however they are cut', () => {
  fc.assert(
    fc.property(chunkedBodies, pieces, ({ bytes, clean, payload }, sizes) => {
      const seen = readBody('chunked', -1, cut(bytesOf(`${bytes}rest`), sizes));
      expect(seen).toMatchObject({ passed: clean, event: 'end', payloadBytes: payload.length, rest: 'rest' });
      expectSame(llhttp('request', bytesOf(head + clean)).messages[0]!.body, payload);
    }),
    { numRuns: 1000 },
  );
});

test('what passes of chunks, and why they end, is the same however they are cut', () => {
  const bodies = disturbed(chunkedBodies.map(({ bytes }) => bytes));
  fc.assert(
    fc.property(bodies, pieces, fc.nat(60), (text, sizes, limit) => {
      const whole = readBody('chunked', -1, [bytesOf(text)], limit);
      expectEqual(readBody('chunked', -1, cut(bytesOf(text), sizes), limit), whole);
    }),
    { numRuns: 5000, examples: kept.chunks.map(({ text, sizes, limit }) => [text, sizes, limit]) },
  );
});

test('chunks over the limit are never passed on beyond it', () => {
  fc.assert(
    fc.property(chunkedBodies, pieces, fc.nat(100), ({ bytes, payload }, sizes, limit) => {
      const seen = readBody('chunked', -1, cut(bytesOf(bytes), sizes), limit);
      expectSame(seen.event, payload.length > limit ? 'over' : 'end');
      expect(seen.payloadBytes).toBeLessThanOrEqual(limit);
      if (payload.length > limit) expect(seen.announced).toBeGreaterThan(limit);
    }),
    { numRuns: 1000 },
  );
});

test('what passes is what llhttp reads: the same payload, the same end', () => {
  fc.assert(
    fc.property(disturbed(chunkedBodies.map(({ bytes }) => bytes)), (text) => {
      const seen = readBody('chunked', -1, [bytesOf(text)]);
      if (seen.event === 'fault' || seen.event === 'starved') return;
      const came = llhttp('request', bytesOf(head + text.slice(0, text.length - seen.rest.length)));
      // It is stricter with the words of an extension, which nobody sees.
      if (came.error === 'HPE_STRICT' && /;[^\r]*\r\n/.test(text)) return;
      const passed = llhttp('request', bytesOf(head + seen.passed));
      if (seen.event === 'end') {
        expectEqual([came.error, came.messages[0]!.complete, came.messages.length], [null, true, 1]);
        expectEqual([passed.error, passed.messages[0]!.complete, passed.messages.length], [null, true, 1]);
      }
      expectSame(passed.messages[0]!.body, came.messages[0]!.body);
      expectSame(passed.messages[0]!.body.length, seen.payloadBytes);
    }),
    { numRuns: 10_000, examples: kept.chunks.map(({ text }) => [text]) },
  );
});
