import { describe, expect, test } from 'vitest';
import { comparePatterns, compilePattern, matchesPattern } from '../../../src/routes/pattern.ts';

const matches = (pattern: string, path: string) => matchesPattern(compilePattern(pattern), path.slice(1).split('/'));

describe('a match', () => {
  test.each([
    ['/', '/'],
    ['/', '/a/b'],
    ['/a', '/a'],
    ['/a', '/a/'],
    ['/a', '/a/b'],
    ['/a/', '/a'],
    ['/%61', '/a/b'],
    ['/user/*/api', '/user/x/api/kernels'],
    ['/**', '/'],
    ['/a/**', '/a'],
    ['/**/api/room/', '/api/room/x'],
    ['/**/api/room/', '/hub/user/x/api/room/y'],
    ['/**/api/room/', '/api/api/room'],
    ['/a/**/b/**/c', '/a/x/b/c'],
    ['/a/**/*/b', '/a/x/y/b'],
  ])('%j matches %j', (pattern, path) => {
    expect(matches(pattern, path)).toBe(true);
  });

  test.each([
    ['/a', '/'],
    ['/a', '/ab'],
    ['/a', '/b/a'],
    ['/a', '/A'],
    ['/user/*', '/user/'],
    ['/user/*', '/user'],
    ['/user/*/api', '/user/x/y/api'],
    ['/**/api/room', '/api/rooms'],
    ['/**/api/room', '/room/api'],
    ['/a/**/b/**/c', '/a/c/b'],
    ['/**/a', '/'],
  ])('%j does not match %j', (pattern, path) => {
    expect(matches(pattern, path)).toBe(false);
  });

  test('takes a linear time for many any-number segments', () => {
    expect(matches(`${'/**/a'.repeat(100)}/b`, '/a'.repeat(20_000))).toBe(false);
  });
});

describe('of two patterns', () => {
  test.each([
    ['/a/b', '/a'],
    ['/a', '/'],
    ['/a', '/**'],
    ['/a/b', '/a/*'],
    ['/a/*', '/*/b'],
    ['/a/*', '/a/**/b'],
    ['/*/b', '/**/b'],
    ['/**/api/room', '/user'],
    ['/**/api/room', '/**/api'],
    ['/', '/**'],
  ])('%j comes before %j', (first, second) => {
    expect(comparePatterns(compilePattern(first), compilePattern(second))).toBeLessThan(0);
    expect(comparePatterns(compilePattern(second), compilePattern(first))).toBeGreaterThan(0);
  });

  test('neither comes first where they are equally specific', () => {
    expect(comparePatterns(compilePattern('/a/*'), compilePattern('/b/*'))).toBe(0);
  });
});
