import { expect, test } from 'vitest';
import { fieldValue, identityOf, isFitName } from '../../../../src/admission/auth/identity.ts';
import { cleanUser } from '../../../../src/observe/log/clean.ts';

test('a name is shown whole: two that were cut would be one user to an operator', () => {
  for (const name of ['x'.repeat(256), `spiffe://${'é'.repeat(123)}`])
    expect([isFitName(name), cleanUser(name)]).toEqual([true, name]);
  expect(isFitName('x'.repeat(257))).toBe(false);
});

test.each([
  '',
  ' a',
  'a ',
  'a\r\nX-Admin: 1',
  'a\0',
  'a\u202eb',
  'a\u2028',
  '\ud800',
  'x'.repeat(257),
  'é'.repeat(129),
])('%j stands for no user', (name) => expect(isFitName(name)).toBe(false));

test.each(['alice', 'Ann Smith', 'ann@example.org', 'Ärmel', '名前', 'x'.repeat(256)])('%j stands for a user', (name) =>
  expect(isFitName(name)).toBe(true),
);

test('what is no text names nobody', () => {
  expect(identityOf(undefined, [])).toBeNull();
  expect(identityOf({ toString: () => 'x' }, [])).toBeNull();
  expect(identityOf(7, [])).toBeNull();
});

test('a group that would be two in a list, or ends a line, is left out', () => {
  expect(identityOf('a', ['staff', 'x,admins', 'y\r\n', 3, null, ' z'])?.groups).toEqual(['staff']);
  expect(identityOf('a', 'admins')?.groups).toEqual([]);
  expect(identityOf('a', new Array(200).fill('g'))?.groups).toHaveLength(100);
});

test('a name is sent as UTF-8', () => {
  expect(Buffer.from(fieldValue('é'), 'latin1').toString()).toBe('é');
});
