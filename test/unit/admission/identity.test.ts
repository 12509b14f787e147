import { expect, test } from 'vitest';
import { userOf } from '../../../src/admission/identity.ts';

const asked = { headers: [], trusted: true, path: '/' };

test('a header names the user, where a trusted proxy wrote it and once', () => {
  const identity = { header: 'x-forwarded-user' };
  const headers = ['Host', 'h', 'X-Forwarded-User', ' ada '];
  expect(userOf(identity, { ...asked, headers })).toBe('ada');
  expect(userOf(identity, { ...asked, headers, trusted: false })).toBeUndefined();
  expect(userOf(identity, { ...asked, headers: [...headers, 'x-forwarded-user', 'eve'] })).toBeUndefined();
  expect(userOf(identity, { ...asked, headers: ['X-Forwarded-User', ''] })).toBeUndefined();
  expect(userOf(identity, asked)).toBeUndefined();
});

test('a header is read as UTF-8, on one line and not without end', () => {
  const identity = { header: 'x-forwarded-user' };
  const named = (name: string) =>
    userOf(identity, { ...asked, headers: ['X-Forwarded-User', Buffer.from(name).toString('latin1')] });
  expect(named('Ada Lovelacë')).toBe('Ada Lovelacë');
  expect(named('a\u0085b\u202ec')).toBe('a\\u0085b\\u202ec');
  expect(named('x'.repeat(1000))).toBe(`${'x'.repeat(128)}…`);
});

test('a path names the user where the pattern has its star', () => {
  const identity = { segments: ['user', null] };
  const named = (path: string) => userOf(identity, { ...asked, trusted: false, path });
  expect(named('/user/ada/api/kernels')).toBe('ada');
  expect(named('/user/ada')).toBe('ada');
  expect(named('/user/ada%40example.org/lab')).toBe('ada@example.org');
  expect(named('/user/100%/lab')).toBe('100%');
  expect(named('/user//lab')).toBeUndefined();
  expect(named('/user')).toBeUndefined();
  expect(named('/hub/user/ada')).toBeUndefined();
  expect(named('/')).toBeUndefined();
});

test('without an identity nobody is named', () => {
  expect(userOf(null, { ...asked, headers: ['X-Forwarded-User', 'ada'] })).toBeUndefined();
});
