import { expect, test } from 'vitest';
import { type Rows, Throughput } from '../../../src/admin/throughput.ts';
import { RouteCounters } from '../../../src/observe/metrics/counters.ts';

const start = 1_800_000_000_000;

function counted(messages: number, bytes: number): RouteCounters {
  const counters = new RouteCounters();
  counters.client.textMessages = messages - 1;
  counters.client.binaryMessages = 1;
  counters.client.messageBytes = bytes;
  counters.upstream.textMessages = 10 * messages;
  counters.upstream.messageBytes = 10 * bytes;
  return counters;
}

test('gives the rates between two samples, per second', () => {
  const throughput = new Throughput();
  throughput.sample([['panel', counted(1, 100)]], start);
  expect(throughput.latest('panel')).toEqual([0, 0, 0, 0]);
  throughput.sample([['panel', counted(4, 1100)]], start + 2000);
  expect(throughput.latest('panel')).toEqual([1.5, 500, 15, 5000]);
});

function historyOf(throughput: Throughput): { at: readonly number[]; routes: Record<string, Rows> } {
  const { at, routes } = throughput.history();
  return { at, routes: Object.fromEntries(routes) };
}

test('a sample that comes while a history is made changes nothing of it', () => {
  const throughput = new Throughput();
  const sample = (i: number) => throughput.sample([['panel', counted(i ** 2, 0)]], start + i * 1000);
  for (let i = 0; i < 400; i++) sample(i);
  const { panel } = historyOf(throughput).routes;
  const { routes } = throughput.history();
  sample(400);
  expect(Object.fromEntries(routes).panel).toEqual(panel);
});

test('keeps the history, the oldest first, with nothing where nothing is known', () => {
  const throughput = new Throughput();
  throughput.sample([['panel', counted(1, 0)]], start);
  throughput.sample([['panel', counted(2, 0)]], start + 1000);
  throughput.sample([['panel', counted(4, 0)]], start + 2000);
  const { at, routes } = historyOf(throughput);
  expect(at).toEqual([start, start + 1000, start + 2000]);
  expect(routes.panel![0]).toEqual([null, 1, 2]);
  expect(routes.panel![2]).toEqual([null, 10, 20]);
});

test('keeps five minutes', () => {
  const throughput = new Throughput();
  for (let i = 0; i < 450; i++) throughput.sample([['panel', counted(i + 1, 0)]], start + i * 1000);
  const { at, routes } = historyOf(throughput);
  expect(at).toHaveLength(300);
  expect(at[0]).toBe(start + 150_000);
  expect(at.at(-1)).toBe(start + 449_000);
  expect(new Set(routes.panel![0])).toEqual(new Set([1]));
});

test('takes up a route that comes later', () => {
  const throughput = new Throughput();
  throughput.sample([], start);
  throughput.sample([['panel', counted(500, 0)]], start + 1000);
  throughput.sample([['panel', counted(501, 0)]], start + 2000);
  expect(historyOf(throughput).routes.panel![0]).toEqual([null, null, 1]);
});

test('draws no average over a time in which the process stood still', () => {
  const throughput = new Throughput();
  throughput.sample([['panel', counted(1, 0)]], start);
  throughput.sample([['panel', counted(1000, 0)]], start + 60_000);
  expect(throughput.latest('panel')).toEqual([0, 0, 0, 0]);
  throughput.sample([['panel', counted(1000, 0)]], start + 60_000);
  expect(historyOf(throughput).routes.panel![0]).toEqual([null, null, null]);
});

test('knows nothing of a route that never was', () => {
  const throughput = new Throughput();
  throughput.sample([], start);
  expect(throughput.latest('nobody')).toEqual([0, 0, 0, 0]);
});
