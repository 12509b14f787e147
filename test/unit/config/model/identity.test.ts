import { expect, test } from 'vitest';
import { parseIdentity } from '../../../../src/config/model/identity.ts';

test('takes a header by its name, or the place of the name in a path', () => {
  expect(parseIdentity({ header: 'X-Forwarded-User' })).toEqual({ value: { header: 'x-forwarded-user' } });
  expect(parseIdentity({ path: '/user/*/' })).toEqual({ value: { segments: ['user', null] } });
  expect(parseIdentity({ path: '/hub/user/*/lab' })).toEqual({ value: { segments: ['hub', 'user', null, 'lab'] } });
});

test.each([
  ['X-Forwarded-User', undefined, 'is not an identity'],
  [{}, undefined, 'must have one key'],
  [{ header: 'a', path: '/*' }, undefined, 'must have one key'],
  [{ cookie: 'a' }, 'cookie', 'is not a key of identity'],
  [{ header: 'a b' }, 'header', 'is not a header'],
  [{ header: 1 }, 'header', 'is not a header'],
  [{ path: 'user/*' }, 'path', 'does not begin with a slash'],
  [{ path: '/user/' }, 'path', 'must have one *'],
  [{ path: '/*/*' }, 'path', 'must have one *'],
  [{ path: '/**/user/*' }, 'path', 'must have one *'],
])('refuses %j', (value, key, problem) => {
  const parsed = parseIdentity(value);
  expect(parsed).toMatchObject({ problem: expect.stringContaining(problem) });
  expect('key' in parsed ? parsed.key : undefined).toBe(key);
});
