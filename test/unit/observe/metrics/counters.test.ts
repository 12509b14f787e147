import { expect, test } from 'vitest';
import { Tally, tally } from '../../../../src/observe/metrics/counters.ts';

test('a tally counts each set of labels for itself', () => {
  const counts = new Tally<[method: string, code: string]>();
  tally(counts, 'GET', '2xx');
  tally(counts, 'POST', '2xx');
  tally(counts, 'GET', '2xx');
  expect(counts.get('GET', '2xx')).toBe(2);
  expect(counts.get('GET', '4xx')).toBe(0);
  expect(counts.total).toBe(3);
  expect(counts.rows).toEqual([
    { labels: ['GET', '2xx'], count: 2 },
    { labels: ['POST', '2xx'], count: 1 },
  ]);
});

test('labels are never joined: a separator in one of them does not make two sets one', () => {
  const counts = new Tally<[method: string, code: string]>();
  tally(counts, 'a|b', 'c');
  tally(counts, 'a', 'b|c');
  expect(counts.rows.map(({ count }) => count)).toEqual([1, 1]);
});
