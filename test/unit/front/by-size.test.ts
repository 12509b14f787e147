import { expect, test } from 'vitest';
import { BySize, Sized } from '../../../src/front/by-size.ts';

class Named extends Sized {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

test('of those that are as large the one that has been so for the longest is found', () => {
  const groups = new BySize<Named>();
  expect(groups.largest).toBeNull();
  const [a, b, c] = [new Named('a'), new Named('b'), new Named('c')];
  const seen = [a, b, c, b, a, c].map((group) => {
    groups.grow(group);
    return groups.largest?.name;
  });
  expect(seen).toEqual(['a', 'a', 'a', 'b', 'b', 'b']);
  const left = [a, b, c, c, b, a].map((group) => {
    groups.shrink(group);
    return groups.largest?.name ?? null;
  });
  expect(left).toEqual(['b', 'c', 'a', 'a', 'a', null]);
});

test('it is one of the largest, however they grow and shrink', () => {
  const groups = new BySize<Named>();
  const all = Array.from({ length: 8 }, (_, i) => new Named(`${i}`));
  let seed = 1;
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const group = all[seed % all.length]!;
    const before = group.size;
    if (before > 0 && (seed >> 8) % 2 === 0) groups.shrink(group);
    else groups.grow(group);
    const most = Math.max(...all.map(({ size }) => size));
    expect([i, groups.largest?.size ?? 0]).toEqual([i, most]);
    expect(Math.abs(group.size - before)).toBe(1);
  }
});
