import { describe, expect, test } from 'vitest';
import { decodeSegment, readingsBehind, readingsOf } from '../../../src/routes/readings.ts';

const readings = (path: string) => readingsOf(path)?.map((segments) => segments.join('|'));

describe('a path that all servers read alike has one reading', () => {
  test.each([
    ['/', ''],
    ['/a/b', 'a|b'],
    ['/a/', 'a|'],
    ['/a..b/.../.x', 'a..b|...|.x'],
    ['/%61dmin', 'admin'],
    ['/100%', '100%'],
    ['/%252e%252e/x', '%2e%2e|x'],
    ['/room/json:nb:1%3A2', 'room|json:nb:1:2'],
    ['/caf%C3%A9', 'caf\u00c3\u00a9'],
    ['/caf\u00c3\u00a9', 'caf\u00c3\u00a9'],
  ])('%j', (path, segments) => {
    expect(readings(path)).toEqual([segments]);
  });
});

describe('a path that servers read in several ways', () => {
  test.each([
    ['/a%2Fb', ['a/b', 'a|b']],
    ['/a\\b', ['a\\b', 'a|b']],
    ['/a%5cb', ['a\\b', 'a|b']],
    ['/a;x/b', ['a;x|b', 'a|b']],
    ['/a%3Bx/b', ['a;x|b', 'a|b']],
    ['//a', ['|a', 'a']],
    ['/a//', ['a||', 'a|']],
    ['/a/../b', ['a|..|b', 'b']],
    ['/a/%2e%2E/b', ['a|..|b', 'b']],
    ['/./a', ['.|a', 'a']],
    ['/../../a', ['..|..|a', 'a']],
    ['/a/..', ['a|..', '']],
    ['/a%00b', ['a\0b', 'a']],
  ])('%j', (path, expected) => {
    expect(new Set(readings(path))).toEqual(new Set(expected));
  });

  test.each([
    ['/a/..;x/admin', 'admin'],
    ['/;x/admin', 'admin'],
    ['/a%2f..%2fadmin', 'admin'],
    ['/a\\..\\admin', 'admin'],
    ['/a/%2e%2e%3bx/admin', 'admin'],
    ['/a//../admin', 'admin'],
    ['/a//../admin', 'a|admin'],
    ['/a/..%00', ''],
    ['/a;%2F..%2Fadmin', 'a'],
  ])('%j may be %j', (path, expected) => {
    expect(readings(path)).toContain(expected);
  });
});

test('the first reading cuts at the slashes as they stand', () => {
  expect(readings('/a%2Fb/..;c//d')?.[0]).toBe('a/b|..;c||d');
});

test('a long path with many readings has none', () => {
  expect(readingsOf(`/b%2f${'a'.repeat(16_379)}`)).toHaveLength(2);
  expect(readingsOf(`/b%2f${'a'.repeat(16_380)}`)).toBeNull();
  expect(readingsOf(`/%2f//..;\\%00${'a'.repeat(1024)}`)).toBeNull();
  expect(readingsOf(`/${'a'.repeat(60_000)}%41`)).toHaveLength(1);
});

test('a segment is decoded byte by byte', () => {
  expect(decodeSegment('a%62%c3%A9%')).toBe('ab\u00c3\u00a9%');
});

describe('behind segments that stand for themselves', () => {
  test.each([
    ['/user/a;b', ['user|a;b']],
    ['/user/a%5Cb/c', ['user|a\\b|c']],
    ['/user/a;b/c;d', ['user|a;b|c;d', 'user|a;b|c']],
    ['/user/a;b/c%2Fd', ['user|a;b|c/d', 'user|a;b|c|d']],
    ['/user/a;b/../c', ['user|a;b|..|c', 'user|c']],
    ['/user/a;b/..', ['user|a;b|..', 'user']],
    ['/user//c', ['user||c']],
    ['/user', ['user']],
  ])('%j', (path, expected) => {
    expect(readingsBehind(path, 2)?.map((segments) => segments.join('|'))).toEqual(expected);
  });

  test('what is too long to be read is not', () => {
    expect(readingsBehind(`/user/a;b/%2f${'a'.repeat(20_000)}`, 2)).toBeNull();
  });
});
