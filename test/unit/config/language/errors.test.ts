import { expect, test } from 'vitest';
import { withoutQuotes } from '../../../../src/config/language/errors.ts';

const error = (path: string, message: string) => ({ file: 'f', line: 1, column: 1, path, message });

test.each([
  ['"hunter2" is not the path of a file; write x', '[redacted] is not the path of a file; write x'],
  ['"a \\"is\\" b" stands alone; add x', '[redacted] stands alone; add x'],
  ['["a", "is not b"] is not the path of a file', '[redacted] is not the path of a file'],
  ['5 is not the path of a file', '[redacted] is not the path of a file'],
  ['is missing; write x', 'is missing; write x'],
])('an error about a secret quotes nothing: %s', (message, shown) => {
  for (const path of ['admin.token_file', 'routes[0].upstream_tls.client_key', 'a.password', 'listen.tls.key']) {
    expect(withoutQuotes(error(path, message))).toEqual(error(path, shown));
  }
});

test('other errors stay as they are', () => {
  const other = error('routes[0].limits', '"20 MiBs" is not a size');
  expect(withoutQuotes(other)).toBe(other);
});
