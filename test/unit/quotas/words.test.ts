import { expect, test } from 'vitest';
import { ReplyError } from '../../../src/quotas/resp.ts';
import { errorWords } from '../../../src/quotas/words.ts';

const words = (text: string, isQuoted = false) => errorWords(new ReplyError(text), isQuoted);

test('an error that is known comes with its remedy, in our own words', () => {
  expect(words("READONLY You can't write against a read only replica.")).toBe(
    'READONLY: it is a replica, which takes nothing; name the primary in quotas.store',
  );
  expect(words('NOAUTH')).toMatch(/^NOAUTH: .*quotas\.password_file/);
});

test('that there are too many clients is no matter of credentials', () => {
  expect(words('ERR max number of clients reached', true)).toBe(
    'ERR max number of clients reached; raise its maxclients',
  );
});

test('another one is told as it is, unless it may quote a password', () => {
  const text = "ERR unknown command 'AUTH', with args beginning with: 'secret'";
  expect(words(text)).toBe(text);
  expect(words(text, true)).toBe('ERR: it does not take the credentials');
  expect(words('secret', true)).toBe('an error without a code: it does not take the credentials');
});
