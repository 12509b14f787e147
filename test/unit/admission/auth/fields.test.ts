import { describe, expect, test } from 'vitest';
import { authorizationOf, cookiesOf, isNavigation } from '../../../../src/admission/auth/fields.ts';

test('a scheme is found in whatever case, and nothing else is', () => {
  const raw = ['Authorization', 'bEaReR  a b ', 'authorization', 'Basic c', 'Authorization', 'bearer', 'X', 'Bearer d'];
  expect(authorizationOf(raw, 'bearer')).toEqual(['a b']);
  expect(authorizationOf(raw, 'basic')).toEqual(['c']);
});

test('cookies are found over all lines, quoted or not, and by their whole name', () => {
  const raw = ['Cookie', 'a=1; tok="x=y";  tok', 'cookie', 'tok=z;btok=no', 'X', 'tok=no'];
  expect([...cookiesOf(raw, 'tok')]).toEqual(['x=y', 'z']);
});

test.each([
  ['tok=a', ['a']],
  [' \t tok \t= a b \t;tok=;tok=b', ['a b', '', 'b']],
  ['tok;tok ;tok tok=c;toktok=d;to k=e;=tok;tok==f', ['=f']],
  [';;tok;;=g;tok=h;;', ['h']],
  ['TOK=i; tok="j"; tok="; tok="k', ['j', '"', '"k']],
  [`${'tok;'.repeat(1000)}=tok=l`, []],
  ['', []],
])('the cookies %j', (line, values) => {
  expect([...cookiesOf(['Cookie', line], 'tok')]).toEqual(values);
});

describe('a person waits for a page', () => {
  test.each([
    ['GET', ['Accept', 'text/html,*/*'], true],
    ['HEAD', ['Accept', 'text/html'], true],
    ['POST', ['Accept', 'text/html'], false],
    ['GET', ['Accept', '*/*'], false],
    ['GET', [], false],
    ['GET', ['Accept', 'text/html', 'Sec-Fetch-Mode', 'websocket'], false],
    ['GET', ['Accept', '*/*', 'Sec-Fetch-Mode', 'navigate'], true],
  ] as const)('%s %j: %s', (method, headers, is) => {
    expect(isNavigation(method, headers)).toBe(is);
  });
});
