import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  adminOutcomes,
  connectionOutcomes,
  handshakeOutcomes,
  httpOutcomes,
} from '../../../../src/catalogue/outcomes.ts';
import { describeFlags, withFlags } from '../../../../src/observe/metrics/flags.ts';

const written = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

test('the tables in docs/operations.md are what the catalogue says (npm run docs)', () => {
  expect(written).toBe(withFlags(written));
});

test('each outcome has a row with what to look at and what to change', () => {
  const text = describeFlags();
  for (const table of [connectionOutcomes, handshakeOutcomes, httpOutcomes, adminOutcomes]) {
    for (const [name, { flag }] of Object.entries(table)) {
      expect(text).toMatch(new RegExp(`^\\| ${flag} \\| \`${name}\` \\|( [^|]+ \\|){4}$`, 'm'));
    }
  }
});

test('what is between the marks is replaced, and nothing else', () => {
  const text = withFlags(`before\n${written.slice(written.indexOf('<!-- flags'))}after`);
  expect(text).toBe(`before\n${written.slice(written.indexOf('<!-- flags'))}after`);
  expect(withFlags(text.replace('| DR |', '| XX |'))).toBe(text);
  expect(() => withFlags('no marks')).toThrow('must have <!-- flags');
});
