import { expect, test } from 'vitest';
import { HeaderJudge } from '../../../../src/admission/auth/header/header.ts';
import { authRequest } from './requests.ts';

const judge = new HeaderJudge({ name: 'x-forwarded-user' });
const from = (trusted: boolean, ...headers: string[]) => authRequest(headers, { trusted });

test('a trusted proxy names the user, in UTF-8', () => {
  const request = from(true, 'X-Forwarded-User', Buffer.from('Ärmel').toString('latin1'));
  expect(judge.brings(request)).toBe(true);
  expect(judge.decide(request)).toMatchObject({ is: 'admitted', identity: { name: 'Ärmel' } });
});

test('nobody else does', () => {
  expect(judge.brings(from(false, 'X-Forwarded-User', 'ann'))).toBe(false);
  expect(judge.brings(from(true, 'X_Forwarded_User', 'ann'))).toBe(false);
});

test('a name in another spelling beside it, which a backend might read, is refused', () => {
  for (const other of ['X_Forwarded_User', 'x-forwarded_user', 'X.Forwarded.User']) {
    expect(judge.decide(from(true, 'X-Forwarded-User', 'ann', other, 'root'))).toMatchObject({ result: 'several' });
    expect(judge.decide(from(true, other, 'root', 'X-Forwarded-User', 'ann'))).toMatchObject({ result: 'several' });
  }
  expect(judge.decide(from(true, 'X-Forwarded-User', 'ann', 'X-Forwarded-Users', 'root'))).toMatchObject({
    is: 'admitted',
  });
});

test('two names, or none, are refused', () => {
  expect(judge.decide(from(true, 'X-Forwarded-User', 'a', 'x-forwarded-user', 'a'))).toMatchObject({
    result: 'several',
  });
  expect(judge.decide(from(true, 'X-Forwarded-User', ''))).toMatchObject({ result: 'malformed' });
  expect(judge.challenge(authRequest())).toEqual({});
});
