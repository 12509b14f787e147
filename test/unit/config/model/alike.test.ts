import { expect, test } from 'vitest';
import { Alike } from '../../../../src/config/model/alike.ts';

test('equal parts become one object, whatever holds them', () => {
  const alike = new Alike();
  const one = alike.of({ name: 'a', limits: { size: 1, rates: [{ burst: 2 }] } });
  const two = alike.of({ name: 'b', limits: { size: 1, rates: [{ burst: 2 }] } });
  expect(two.limits).toBe(one.limits);
  expect(two).not.toBe(one);
  expect([one, two]).toEqual([
    { name: 'a', limits: { size: 1, rates: [{ burst: 2 }] } },
    { name: 'b', limits: { size: 1, rates: [{ burst: 2 }] } },
  ]);
});

test('what differs stays apart: kinds, keys, order, and what only looks alike', () => {
  const alike = new Alike();
  const values = [
    [],
    {},
    [null],
    ['null'],
    [undefined],
    [1],
    ['1'],
    [true],
    [Number.POSITIVE_INFINITY],
    ['Infinity'],
    { a: 1, b: 2 },
    { b: 2, a: 1 },
    { a: '1,"b":2' },
    { 'a":1,"b': 2 },
    [[1], 2],
    [[1, 2]],
    ['#0'],
  ];
  const shared = values.map((value) => alike.of<unknown>(value));
  expect(shared).toEqual(values);
  expect(new Set(shared).size).toBe(values.length);
});
