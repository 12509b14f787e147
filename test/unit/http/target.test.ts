import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../../src/http/target.ts';

const host = 'apps.example.org:8080';

test.each([
  ['/', '/'],
  ['/a/', '/a/'],
  ['/a?x=//..%2f\\', '/a'],
  ['//a/../b;c/%2e%2F?d', '//a/../b;c/%2e%2F'],
  ['/100%', '/100%'],
  ['/caf\u00c3\u00a9?\u00c3', '/caf%C3%A9'],
])('%j keeps its bytes; its path is %j', (target, path) => {
  expect(parseTarget(target, host, 'GET')).toEqual({ target, path });
});

describe('a target in absolute form', () => {
  test.each([
    ['http://apps.example.org:8080/a?b', '/a?b'],
    ['HTTPS://APPS.example.org:8080/a', '/a'],
    ['ws://apps.example.org:8080', '/'],
    ['wss://apps.example.org:8080?b', '/?b'],
  ])('%j goes on in origin form', (target, origin) => {
    expect(parseTarget(target, host, 'GET')).toMatchObject({ target: origin });
  });

  test.each([
    'http://other.example.org:8080/a',
    'http://apps.example.org/a',
    'http://apps.example.org:8080@evil.test/',
    'http://user@apps.example.org:8080/',
    'http:///a',
    'ftp://apps.example.org:8080/a',
  ])('%j is refused, as its host is not that of the Host header', (target) => {
    expect(parseTarget(target, host, 'GET')).toBeNull();
  });
});

test('OPTIONS * asks the server as a whole', () => {
  expect(parseTarget('*', host, 'OPTIONS')).toEqual({ target: '*', path: '/' });
  expect(parseTarget('*a', host, 'OPTIONS')).toBeNull();
});

test.each(['', '*', 'a', 'a:443', '/a b', '/a\0', '/a\u0100', '/a#b', '/a?b#c'])('%j is no target', (target) => {
  expect(parseTarget(target, host, 'GET')).toBeNull();
});
