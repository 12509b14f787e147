import { expect, test } from 'vitest';
import { parseApiPath } from '../../../src/routes/api-path.ts';

const keyOf = (raw: string) => {
  const path = parseApiPath(raw);
  return 'problem' in path ? null : path.key;
};

test('decodes a path once, and takes a trailing slash for nothing', () => {
  expect(keyOf('/user/ann')).toBe('/user/ann');
  expect(keyOf('/user/ann/')).toBe('/user/ann');
  expect(keyOf('/user/a%2520b')).toBe('/user/a%20b');
  expect(keyOf('/user/%E7%A7%80%E6%A8%B9')).toBe('/user/秀樹');
  expect(keyOf('/has%20space/foo/')).toBe('/has space/foo');
});

test('the root is a slash, however it is left out', () => {
  for (const raw of ['', '/', '//', '/%2F', '/%2f/']) expect(parseApiPath(raw), raw).toEqual({ key: '/', ways: [[]] });
});

test('two slashes are no mistake, and another path than one', () => {
  expect(parseApiPath('/host.example//user')).toEqual({
    key: '/host.example//user',
    ways: [['host.example', '', 'user']],
  });
});

test('names of the language are names', () => {
  expect(keyOf('/user/constructor')).toBe('/user/constructor');
  expect(keyOf('/__proto__')).toBe('/__proto__');
});

test('requests find it by bytes, and by either reading of an escaped slash', () => {
  expect(parseApiPath('/user/a%2Fb')).toEqual({
    key: '/user/a/b',
    ways: [
      ['user', 'a', 'b'],
      ['user', 'a/b'],
    ],
  });
  expect(parseApiPath('/%C3%BC')).toEqual({ key: '/ü', ways: [['\u00c3\u00bc']] });
});

test.each([
  ['an escape that is none', '/user/%', /no UTF-8/],
  ['bytes that are no UTF-8', '/user/%ff', /no UTF-8/],
  ['a dot segment', '/user/..', /dot segment/],
  ['an escaped dot segment', '/user/%2e%2e/x', /dot segment/],
  ['a dot segment behind an escaped slash', '/user/a%2F..%2Fb', /dot segment/],
  ['NUL', '/user/%00', /control/],
  ['a line end', '/user/%0a', /control/],
  ['64 KB', `/${'a'.repeat(65_536)}`, /at most 4096/],
])('refuses %s, with a reason', (_name, raw, reason) => {
  expect((parseApiPath(raw) as { problem: string }).problem).toMatch(reason);
});

test('half a character is no part of a path', () => {
  expect(parseApiPath('/\ud800')).toMatchObject({ problem: expect.stringContaining('no UTF-8') });
});
