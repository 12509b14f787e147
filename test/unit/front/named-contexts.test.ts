import { expect, test } from 'vitest';
import { namedContexts, type Pair } from '../../../src/front/named-contexts.ts';

const pair = (text: string): Pair => ({ cert: Buffer.from(text), key: Buffer.from(text) });

/** Contexts that are called as their certificates, and how many were made. */
function contextsOf(first: Pair, named: readonly (readonly [name: string, pair: Pair])[]) {
  const made: string[] = [];
  const find = namedContexts({ ...first, named: new Map(named) }, ({ cert }) => {
    made.push(String(cert));
    return String(cert);
  });
  return { find, made };
}

test('a certificate of many names has one context, and the first needs none of its own', () => {
  const [first, other] = [pair('first'), pair('other')];
  const names = (text: string, of: Pair) =>
    Array.from({ length: 100 }, (_, i) => [`${text}${i}.test`, { ...of }] as const);
  const { find, made } = contextsOf(first, [...names('a', first), ...names('b', other)]);
  expect(made).toEqual(['other']);
  expect(['a0.test', 'a99.test', 'b0.test', 'b99.test', 'c.test'].map(find)).toEqual([
    undefined,
    undefined,
    'other',
    'other',
    undefined,
  ]);
});

test('an exact name comes before a star, that of the first certificate too, and a star is one label', () => {
  const [first, wild, one] = [pair('first'), pair('wild'), pair('one')];
  const { find } = contextsOf(first, [
    ['apps.test', first],
    ['own.apps.test', first],
    ['*.apps.test', wild],
    ['one.apps.test', one],
  ]);
  const names = ['own.apps.test', 'one.apps.test', 'TWO.Apps.test', 'a.b.apps.test', 'apps.test', 'localhost'];
  expect(names.map(find)).toEqual([undefined, 'one', 'wild', undefined, undefined, undefined]);
});
