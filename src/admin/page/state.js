/** What the page knows: the last snapshot, five minutes of rates, the violations of an hour, and which route is chosen. */

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
  /** The last snapshot, `null` before the first. */
  now: null,
  sizeBounds: [],
  /** Unix seconds, as the plots want them. */
  times: [],
  /** By route: a list per column, each as long as `times`. */
  rates: new Map(),
  /** By id, in no order. */
  violations: new Map(),
  violationTotals: [],
  /** `null` is all routes. */
  route: null,
};

const listeners = [];

/** Calls `draw` at each change. */
export function onChange(draw) {
  listeners.push(draw);
}

/** Tells every part to draw, once somebody can see it. */
export function changed() {
  if (!document.hidden) for (const draw of listeners) draw();
}

document.addEventListener('visibilitychange', changed);

/** Takes an event of the feed. */
export function take(name, data) {
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
export function series(column) {
  const at = columns.indexOf(column);
  if (state.route !== null) return state.rates.get(state.route)?.[at] ?? state.times.map(() => null);
  const all = [...state.rates.values()].map((rows) => rows[at]);
  return state.times.map((_, i) => all.reduce((sum, row) => (row[i] === null ? sum : (sum ?? 0) + row[i]), null));
}

function takeHistory({ at, routes }) {
  state.times = [];
  state.rates = new Map(Object.keys(routes).map((name) => [name, columns.map(() => [])]));
  at.forEach((moment, i) => {
    addSample(moment, new Map(Object.entries(routes).map(([name, rows]) => [name, rows.map((row) => row[i])])));
  });
}

function append({ at, routes }) {
  addSample(at, new Map(routes.map(({ name, rates }) => [name, rates])));
  while (state.times[0] < (at - historyMs) / 1000) {
    state.times.shift();
    for (const rows of state.rates.values()) for (const row of rows) row.shift();
  }
}

function addSample(at, ratesByRoute) {
  const last = state.times.at(-1);
  if (last !== undefined && at / 1000 - last > gapMs / 1000) push(last + 0.001, new Map());
  push(at / 1000, ratesByRoute);
}

function push(seconds, ratesByRoute) {
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

function forgetViolations(now) {
  for (const { id, lastAt } of state.violations.values()) if (lastAt <= now - hourMs) state.violations.delete(id);
  for (const { id } of latestViolations().slice(maxViolations)) state.violations.delete(id);
}
