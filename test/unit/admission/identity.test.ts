import { expect, test } from 'vitest';
import { userOf } from '../../../src/admission/identity.ts';

const asked = { headers: [], trusted: true, path: '/' };

test('a header names the user, where a trusted proxy wrote it and once', () => {
  const identity = { header: 'x-forwarded-user' };
  const headers = ['Host', 'h', 'X-Forwarded-User', ' ada '];
  expect(userOf(identity, { ...asked, headers })).toEqual({ name: 'ada', raw: null, vouched: true });
  expect(userOf(identity, { ...asked, headers, trusted: false })).toBeUndefined();
  expect(userOf(identity, { ...asked, headers: [...headers, 'x-forwarded-user', 'eve'] })).toBeUndefined();
  expect(userOf(identity, { ...asked, headers: ['X-Forwarded-User', ''] })).toBeUndefined();
  expect(userOf(identity, asked)).toBeUndefined();
});

test('a header is read as UTF-8; one that is none is told apart from others that read alike', () => {
  const identity = { header: 'x-forwarded-user' };
  const named = (bytes: Buffer) =>
    userOf(identity, { ...asked, headers: ['X-Forwarded-User', bytes.toString('latin1')] });
  expect(named(Buffer.from('Ada Lovelacë'))).toMatchObject({ name: 'Ada Lovelacë', raw: null });
  expect(named(Buffer.from([0x61, 0xff]))).toMatchObject({ name: 'a\ufffd', raw: 'a\xff' });
  expect(named(Buffer.from('a\ufffd'))).toMatchObject({ name: 'a\ufffd', raw: null });
});

test('a path names the user where the pattern has its star', () => {
  const identity = { segments: ['user', null] };
  const named = (path: string) => userOf(identity, { ...asked, trusted: false, path })?.name;
  expect(named('/user/ada/api/kernels')).toBe('ada');
  expect(named('/user/ada')).toBe('ada');
  expect(named('/user/ada%40example.org/lab')).toBe('ada@example.org');
  expect(named('/user/100%/lab')).toBe('100%');
  expect(userOf(identity, { ...asked, path: '/user/100%' })).toEqual({ name: '100%', raw: '100%', vouched: false });
  expect(named('/user//lab')).toBeUndefined();
  expect(named('/user')).toBeUndefined();
  expect(named('/hub/user/ada')).toBeUndefined();
  expect(named('/')).toBeUndefined();
});

test('without an identity nobody is named', () => {
  expect(userOf(null, { ...asked, headers: ['X-Forwarded-User', 'ada'] })).toBeUndefined();
});
