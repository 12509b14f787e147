import fc from 'fast-check';
import { test } from 'vitest';
import { ReplyReader } from '../../../src/quotas/resp.ts';
import { pieces } from '../../helpers/arbitrary-heads.ts';
import { expectEqual } from '../../helpers/often.ts';
import { cut } from '../../helpers/parser-events.ts';

const line = fc.oneof(
  fc.constantFrom(
    '+OK',
    '-ERR x',
    ':1',
    ':-7',
    ':',
    '$0',
    '$3',
    '$-1',
    '$5000',
    '*0',
    '*2',
    '*3',
    '*-1',
    '*17',
    '!',
    '',
  ),
  fc.stringMatching(/^[+:$*-]?[a-z0-9]{0,6}$/),
);
const texts = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('', '\r', '+', 'x'.repeat(4200)))
  .map(([lines, rest]) => lines.map((one) => `${one}\r\n`).join('') + rest);

/** Everything that is read, until something is wrong. */
function readAll(parts: readonly Buffer[]) {
  const reader = new ReplyReader();
  const replies: unknown[] = [];
  for (const part of parts) {
    const { replies: some, problem } = reader.read(part);
    replies.push(...some);
    if (problem !== null) return { replies, problem };
  }
  return { replies, problem: null };
}

test('bytes are the same answers, and wrong for the same reason, however they are cut', () => {
  fc.assert(
    fc.property(texts, pieces, (text, sizes) => {
      const bytes = Buffer.from(text, 'latin1');
      expectEqual(readAll(cut(bytes, sizes)), readAll([bytes]));
    }),
    { numRuns: 3000 },
  );
});

test('whatever bytes come, nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      readAll([Buffer.from(bytes)]);
    }),
    { numRuns: 3000 },
  );
});
