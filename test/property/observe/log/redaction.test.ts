import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clean, cleanHost, cleanPath, nameSubprotocol } from '../../../../src/observe/log/clean.ts';
import {
  type Place,
  secretHosts,
  secretOrigins,
  secretPaths,
  secretSubprotocols,
} from '../../../helpers/secret-places.ts';

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
/** Long enough to be no part of another word. */
const secret = fc.string({ unit: fc.constantFrom(...letters), minLength: 10, maxLength: 48 });

const kinds: readonly [string, (secret: string) => readonly Place[], (text: string) => string][] = [
  ['a path', secretPaths, cleanPath],
  [
    'a path in a sentence',
    (one) => secretPaths(one).map(({ text, secrets }) => ({ text: `GET ${text} failed`, secrets })),
    clean,
  ],
  ['a subprotocol', secretSubprotocols, nameSubprotocol],
  ['a host', secretHosts, cleanHost],
  ['an origin', secretOrigins, clean],
];

describe.each(kinds)('a secret in %s', (_, places, shown) => {
  test('is never shown', () => {
    fc.assert(
      fc.property(secret, (one) => {
        for (const { text, secrets } of places(one)) {
          const seen = shown(text);
          for (const hidden of secrets) expect(seen, text).not.toContain(hidden);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('whatever comes in, one line without control characters comes out, and not a long one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
      const shown = clean(text);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(shown.length).toBeLessThan(256 * 8);
    }),
  );
});
