import fc from 'fast-check';
import { test } from 'vitest';
import { decodeSegment } from '../../../src/routes/readings.ts';
import { expectSame } from '../../helpers/often.ts';

/** What it means, in one line. */
const decoded = (segment: string) =>
  segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

test('a segment is decoded once, and what is no escape stays', () => {
  const pieces = fc.constantFrom(
    '%',
    '%2',
    '%2f',
    '%2F',
    '%25',
    '%zz',
    '%00',
    '%fF',
    '%g0',
    '%0g',
    'a',
    '2',
    'f',
    '\u0162',
    '',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const segment = parts.join('');
      expectSame(decodeSegment(segment), decoded(segment));
    }),
    { numRuns: 2000 },
  );
});
