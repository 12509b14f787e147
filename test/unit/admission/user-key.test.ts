import { expect, test } from 'vitest';
import { userKeyOf } from '../../../src/admission/user-key.ts';

test('a key is short, and another one for every other name', () => {
  const long = 'x'.repeat(64 * 1024);
  const names = [
    '',
    'a',
    'A',
    'a ',
    '=a',
    '?a',
    '#a',
    'a\0',
    'ä',
    'a\u0308',
    '\ufffd',
    'x'.repeat(63),
    'x'.repeat(64),
    long,
    `${long}y`,
    `y${long}`,
  ];
  const keys = names.map((name) => userKeyOf(name, null));
  expect(new Set([...keys, ...names.map((name) => userKeyOf('\ufffd', name))]).size).toBe(2 * names.length);
  expect(Math.max(...keys.map((key) => key.length))).toBeLessThanOrEqual(64);
});

test('a name cannot be the hash of another', () => {
  const hashed = userKeyOf('x'.repeat(100), null);
  expect(userKeyOf(hashed, null)).not.toBe(hashed);
  expect(userKeyOf(hashed.slice(1), null)).not.toBe(hashed);
});
