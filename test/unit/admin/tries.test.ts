import { expect, test } from 'vitest';
import { Tries } from '../../../src/admin/tries.ts';

test('ten tries, and one more every six seconds', () => {
  const tries = new Tries();
  for (let i = 0; i < 10; i++) {
    expect(tries.waitMs('a', 0)).toBe(0);
    tries.failed('a', 0);
  }
  expect(tries.waitMs('a', 0)).toBe(6000);
  expect(tries.waitMs('a', 2000)).toBe(4000);
  expect(tries.waitMs('a', 6000)).toBe(0);
  tries.failed('a', 6000);
  expect(tries.waitMs('a', 6000)).toBe(6000);
  expect(tries.waitMs('a', 66_000)).toBe(0);
});

test('addresses do not share their tries', () => {
  const tries = new Tries();
  for (let i = 0; i < 20; i++) tries.failed('a', 0);
  expect(tries.waitMs('b', 0)).toBe(0);
});

test('a flood of addresses leaves room for the last thousand, and for who goes on', () => {
  const tries = new Tries();
  for (let i = 0; i < 20; i++) tries.failed('stays', 0);
  for (let i = 0; i < 5000; i++) {
    tries.failed(`address ${i}`, 0);
    tries.failed('stays', 0);
  }
  expect(tries.size).toBe(1000);
  expect(tries.waitMs('stays', 0)).toBeGreaterThan(0);
});
