import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinearPattern } from '../../../src/validation/linear-pattern.ts';
import { Fuel } from '../../../src/validation/types.ts';
import { expectSame } from '../../helpers/often.ts';

const atom = fc
  .constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '[]a-]',
    '\\d',
    '\\w',
    '\\]',
    'é',
    '\\u{1F600}',
    '\\x61',
    '\\p{L}',
    '\\b',
    '^',
    '$',
    // Not `\B`: V8 finds it inside 😀, between the halves of one character.
  )
  .filter(isPattern);
const quantifier = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,}', '{0,2}', '*?', '{0}', '{1,3}?');

function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

/** Repetitions of repetitions may be too long. */
function compiled(source: string): LinearPattern | null {
  try {
    return new LinearPattern(source);
  } catch (error) {
    expect(error).toMatchObject({
      message: expect.stringMatching(/^(?:is longer than 1000 steps|looks around more than 10 times)$/),
    });
    return null;
  }
}

const { pattern } = fc.letrec<{ pattern: string; sequence: string; term: string }>((tie) => ({
  term: fc
    .tuple(
      fc.oneof(
        { maxDepth: 2, depthSize: 'small' },
        atom,
        tie('pattern').map((inner) => `(?:${inner})`),
        tie('pattern').map((inner) => `(${inner})`),
        fc.tuple(fc.constantFrom('?=', '?!', '?<=', '?<!'), tie('pattern')).map(([look, inner]) => `(${look}${inner})`),
      ),
      quantifier,
    )
    .map(([one, times]) => (isPattern(one + times) ? one + times : one)),
  sequence: fc.array(tie('term'), { maxLength: 3 }).map((terms) => terms.join('')),
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 2 }).map((some) => some.join('|')),
}));
/** Short, because the native engine tries one way after another. */
const text = fc
  .array(fc.constantFrom('a', 'b', '1', ' ', 'é', '😀', '-', ']'), { maxLength: 6 })
  .map((all) => all.join(''));

test('a pattern matches what the native engine says', () => {
  fc.assert(
    fc.property(pattern.filter(isPattern), text, (source, subject) => {
      // As with `\B` above, V8 looks around for nothing between the halves of one character too.
      fc.pre(!(/\(\?<?!/.test(source) && subject.includes('😀')));
      const linear = compiled(source);
      fc.pre(linear !== null);
      expectSame(linear!.test(subject, new Fuel(1e6)), new RegExp(source, 'u').test(subject));
    }),
    { numRuns: 1000 },
  );
});
