import { expect, test } from 'vitest';
import { Lifetime } from '../../../../src/relay/core/lifetime.ts';

test('a lifetime ends at its time, less a random part of a tenth', () => {
  const [longest, shorter] = [new Lifetime(500, 1000, 0), new Lifetime(500, 1000, 0.5)];
  expect([longest.isOver(1499), longest.isOver(1500)]).toEqual([false, true]);
  expect([shorter.isOver(1449), shorter.isOver(1450)]).toEqual([false, true]);
});

test('a lifetime of 0 never ends', () => {
  expect(new Lifetime(0, 0, 0.5).isOver(1e15)).toBe(false);
});

test('a new lifetime counts from the opening', () => {
  const lifetime = new Lifetime(0, 1000, 0);
  lifetime.change(5000, 900);
  expect([lifetime.isOver(4999), lifetime.isOver(5000)]).toEqual([false, true]);
  lifetime.change(0, 4999);
  expect(lifetime.isOver(1e15)).toBe(false);
});

test('connections that are older than a new lifetime end spread over a tenth of it', () => {
  const ends = [0, 0.5, 0.99].map((random) => {
    const lifetime = new Lifetime(0, 100_000, random);
    lifetime.change(1000, 50_000);
    return [50_000, 50_049, 50_050, 50_098, 50_099].map((now) => lifetime.isOver(now)).indexOf(true);
  });
  expect(ends).toEqual([0, 2, 4]);
});

test('the same lifetime again moves nothing', () => {
  const lifetime = new Lifetime(0, 1000, 0.5);
  lifetime.change(1000, 990);
  expect(lifetime.isOver(990)).toBe(true);
});
