import { beforeEach, expect, test, vi } from 'vitest';
import type { FeedEvent, Hello, RouteSnapshot, ViolationEntry } from '../../../../src/admin/page/types.d.ts';

const page = { hidden: false, addEventListener: () => {} };
vi.stubGlobal('document', page);
const { columns, latestViolations, onChange, series, state, take } = await import(
  '../../../../src/admin/page/state.js'
);

const hour = 3_600_000;

const route = (name: string, ...rates: number[]) => ({ name, rates }) as unknown as RouteSnapshot;
const violation = (id: number, lastAt: number) => ({ id, lastAt }) as ViolationEntry;

function hello(at: number, routes: RouteSnapshot[], history: Hello['history']): Hello {
  const rest = { violations: [], violationTotals: [], sizeBounds: [4, 16] };
  return { at, routes, history, ...rest } as unknown as Hello;
}

function tick(at: number, routes: RouteSnapshot[], violations: ViolationEntry[] = []): FeedEvent {
  return { at, routes, violations, violationTotals: [] } as unknown as FeedEvent;
}

beforeEach(() => {
  page.hidden = false;
  state.now = null;
  state.route = null;
  take('hello', hello(10_000, [route('a', 1, 2, 3, 4), route('b', 5, 6, 7, 8)], { at: [], routes: {} }));
});

test('a hello brings the history, and each tick goes on with it', () => {
  // biome-ignore format: one value
  take('hello', hello(3000, [route('a', 0, 0, 0, 0)], { at: [1000, 2000], routes: { a: [[1, 2], [3, 4], [5, 6], [7, null]] } }));
  take('tick', tick(3000, [route('a', 9, 9, 9, 9)]));
  expect(state.times).toEqual([1, 2, 3]);
  expect(columns.map(series)).toEqual([
    [1, 2, 9],
    [3, 4, 9],
    [5, 6, 9],
    [7, null, 9],
  ]);
});

test('a gap in the samples is a gap in the lines', () => {
  take('tick', tick(11_000, [route('a', 1, 0, 0, 0)]));
  take('tick', tick(20_000, [route('a', 2, 0, 0, 0)]));
  expect(state.times).toEqual([11, 11.001, 20]);
  expect(series('clientMessages')).toEqual([1, null, 2]);
});

test('samples of more than five minutes ago go', () => {
  take('tick', tick(11_000, [route('a', 1, 0, 0, 0)]));
  take('tick', tick(311_000, [route('a', 2, 0, 0, 0)]));
  expect(state.times[0]).toBe(11);
  take('tick', tick(312_000, [route('a', 3, 0, 0, 0)]));
  expect(state.times.map(Math.floor)).toEqual([311, 312]);
  expect(series('clientMessages')).toEqual([2, 3]);
});

test('all routes together are their sum; of a route that is new nothing is known before', () => {
  take('tick', tick(11_000, [route('a', 1, 0, 0, 0)]));
  take('tick', tick(12_000, [route('a', 2, 0, 0, 0), route('b', 3, 0, 0, 0)]));
  expect(series('clientMessages')).toEqual([1, 5]);
  state.route = 'b';
  expect(series('clientMessages')).toEqual([null, 3]);
  state.route = 'unknown';
  expect(series('clientMessages')).toEqual([null, null]);
});

test('a single route is chosen by itself, and one that goes is chosen no more', () => {
  expect(state.route).toBeNull();
  state.route = 'b';
  take('tick', tick(11_000, [route('a', 1, 0, 0, 0), route('b', 1, 0, 0, 0)]));
  expect(state.route).toBe('b');
  take('tick', tick(12_000, [route('a', 1, 0, 0, 0)]));
  expect(state.route).toBeNull();
  state.now = null;
  take('hello', hello(13_000, [route('only', 0, 0, 0, 0)], { at: [], routes: {} }));
  expect(state.route).toBe('only');
});

test('violations are kept for an hour, a thousand of them, the latest first', () => {
  const all = Array.from({ length: 1001 }, (_, i) => violation(i, 20_000 + i));
  take('tick', tick(30_000, [], all));
  // biome-ignore format: one value
  expect(latestViolations().map(({ id }) => id)).toEqual(all.slice(1).map(({ id }) => id).reverse());
  take('tick', tick(20_500 + hour, [], [violation(7, 20_500 + hour)]));
  expect(latestViolations()[0]!.id).toBe(7);
  expect(latestViolations().at(-1)!.id).toBe(501);
});

test('nothing is drawn while nobody can see it', () => {
  const draw = vi.fn();
  onChange(draw);
  page.hidden = true;
  take('tick', tick(11_000, []));
  expect(draw).not.toHaveBeenCalled();
  page.hidden = false;
  take('tick', tick(12_000, []));
  expect(draw).toHaveBeenCalledOnce();
});
