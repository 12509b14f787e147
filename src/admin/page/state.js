/**
 * What the page knows: the last snapshot, five minutes of rates, the violations of an hour, and which route is chosen.
 */

/**
 * @import { FeedEvent, Hello, History, ViolationEntry, ViolationTotal } from './types.d.ts'
 */

/** Which row of a history holds what: messages and bytes per second of the client, then of the upstream. */
export const columns = ['clientMessages', 'clientBytes', 'upstreamMessages', 'upstreamBytes'];

const hourMs = 3_600_000;
const historyMs = 300_000;
/** A gap in the samples is shown as a gap. */
const gapMs = 3500;
/** As many as the server keeps. */
const maxViolations = 1000;

/** All of it; parts of the page read it when they are told to draw. */
export const state = {
  /**
   * The last snapshot, `null` before the first.
   * @type {FeedEvent | null}
   */
  now: null,
  /** @type {number[]} */
  sizeBounds: [],
  /**
   * Unix seconds, as the plots want them.
   * @type {number[]}
   */
  times: [],
  /**
   * By route: a list per column, each as long as `times`.
   * @type {Map<string, (number | null)[][]>}
   */
  rates: new Map(),
  /**
   * By id, in no order.
   * @type {Map<number, ViolationEntry>}
   */
  violations: new Map(),
  /** @type {readonly ViolationTotal[]} */
  violationTotals: [],
  /**
   * `null` is all routes.
   * @type {string | null}
   */
  route: null,
};

/** @type {(() => void)[]} */
const listeners = [];

/** Calls `draw` at each change. */
export function onChange(/** @type {() => void} */ draw) {
  listeners.push(draw);
}

/** Tells every part to draw, once somebody can see it. */
export function changed() {
  if (!document.hidden) for (const draw of listeners) draw();
}

document.addEventListener('visibilitychange', changed);

/**
 * Takes an event of the feed.
 * @param {['hello', Hello] | ['tick', FeedEvent]} event
 */
export function take(...[name, data]) {
  const fresh = state.now === null;
  state.now = data;
  if (name === 'hello') {
    state.sizeBounds = data.sizeBounds;
    state.violations.clear();
    takeHistory(data.history);
  } else {
    append(data);
  }
  for (const entry of data.violations) state.violations.set(entry.id, entry);
  forgetViolations(data.at);
  state.violationTotals = data.violationTotals;
  // With one route there is nothing to choose.
  if (fresh && data.routes.length === 1) state.route = data.routes[0].name;
  if (!data.routes.some((route) => route.name === state.route)) state.route = null;
  changed();
}

/** Violations, the latest first. */
export function latestViolations() {
  return [...state.violations.values()].sort((a, b) => b.lastAt - a.lastAt || b.id - a.id);
}

/** A column of the chosen route, or the sum of all. */
export function series(/** @type {string} */ column) {
  const at = columns.indexOf(column);
  if (state.route !== null) return state.rates.get(state.route)?.[at] ?? state.times.map(() => null);
  const all = [...state.rates.values()].map((rows) => rows[at]);
  return state.times.map((_, i) => all.reduce((sum, row) => plus(sum, row[i]), /** @type {number | null} */ (null)));
}

/** Nothing known and something known are what is known. */
function plus(/** @type {number | null} */ one, /** @type {number | null | undefined} */ other) {
  return one === null || other === null || other === undefined ? (one ?? other ?? null) : one + other;
}

function takeHistory(/** @type {History} */ { at, routes }) {
  state.times = [];
  state.rates = new Map(
    Object.keys(routes).map((name) => [name, columns.map(() => /** @type {(number | null)[]} */ ([]))]),
  );
  at.forEach((moment, i) => {
    addSample(moment, new Map(Object.entries(routes).map(([name, rows]) => [name, rows.map((row) => row[i])])));
  });
}

function append(/** @type {FeedEvent} */ { at, routes }) {
  addSample(at, new Map(routes.map(({ name, rates }) => [name, rates])));
  while (state.times[0] < (at - historyMs) / 1000) {
    state.times.shift();
    for (const rows of state.rates.values()) for (const row of rows) row.shift();
  }
}

function addSample(/** @type {number} */ at, /** @type {Map<string, readonly (number | null)[]>} */ ratesByRoute) {
  const last = state.times.at(-1);
  if (last !== undefined && at / 1000 - last > gapMs / 1000) push(last + 0.001, new Map());
  push(at / 1000, ratesByRoute);
}

function push(/** @type {number} */ seconds, /** @type {Map<string, readonly (number | null)[]>} */ ratesByRoute) {
  for (const name of ratesByRoute.keys()) {
    if (!state.rates.has(name))
      state.rates.set(
        name,
        columns.map(() => state.times.map(() => null)),
      );
  }
  state.times.push(seconds);
  for (const [name, rows] of state.rates) {
    for (const [i, row] of rows.entries()) row.push(ratesByRoute.get(name)?.[i] ?? null);
  }
}

function forgetViolations(/** @type {number} */ now) {
  for (const { id, lastAt } of state.violations.values()) if (lastAt <= now - hourMs) state.violations.delete(id);
  for (const { id } of latestViolations().slice(maxViolations)) state.violations.delete(id);
}
