import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../../src/routing/target.ts';

const host = 'apps.example.org:8080';

describe('a target that is clear', () => {
  test.each([
    ['/', '/', ['']],
    ['/a/b', '/a/b', ['a', 'b']],
    ['/a/', '/a/', ['a', '']],
    ['/a?x=//..%2f\\', '/a', ['a']],
    ['/room/json:nb:1%3A2', '/room/json:nb:1%3A2', ['room', 'json:nb:1:2']],
    ['/%61dmin', '/%61dmin', ['admin']],
    ['/100%', '/100%', ['100%']],
    ['/%252e%252e/x', '/%252e%252e/x', ['%2e%2e', 'x']],
    ['/a..b/...', '/a..b/...', ['a..b', '...']],
    ['/caf\u00c3\u00a9', '/caf\u00c3\u00a9', ['caf\u00c3\u00a9']],
    ['/caf%C3%A9', '/caf%C3%A9', ['caf\u00c3\u00a9']],
  ])('%j keeps its bytes and is cut into decoded segments', (target, path, segments) => {
    expect(parseTarget(target, host)).toEqual({ target, path, segments });
  });
});

test.each([
  '/a/../b',
  '/..',
  '/a/.',
  '/./a',
  '/%2e%2e/a',
  '/%2E./a',
  '/.%2e/a',
  '/%2e/a',
  '/..;x/a',
  '/%2e%2e%3bx/a',
  '//a',
  '/a//b',
  '/a%2fb',
  '/a%2Fb',
  '/a%5cb',
  '/a%5C..',
  '/a\\b',
  '/a%00b',
  '/a#b',
  '/a?b#c',
  'http://apps.example.org:8080/a/../b',
  'http://apps.example.org:8080//a',
])('%j may be read in two ways', (target) => {
  expect(parseTarget(target, host)).toBe('ambiguous_path');
});

describe('a target in absolute form', () => {
  test.each([
    ['http://apps.example.org:8080/a?b', '/a?b'],
    ['HTTPS://APPS.example.org:8080/a', '/a'],
    ['ws://apps.example.org:8080', '/'],
    ['wss://apps.example.org:8080?b', '/?b'],
  ])('%j goes on in origin form', (target, origin) => {
    expect(parseTarget(target, host)).toMatchObject({ target: origin });
  });

  test.each([
    'http://other.example.org:8080/a',
    'http://apps.example.org/a',
    'http://apps.example.org:8080@evil.test/',
    'http://user@apps.example.org:8080/',
    'http:///a',
    'ftp://apps.example.org:8080/a',
  ])('%j is refused, as its host is not that of the Host header', (target) => {
    expect(parseTarget(target, host)).toBe('bad_request');
  });
});

test.each(['', '*', 'a', 'a:443', '/a b', '/a\0', '/a\u0100'])('%j is no target', (target) => {
  expect(parseTarget(target, host)).toBe('bad_request');
});
