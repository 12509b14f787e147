/**
 * How large the messages of each sender are, with the limit drawn in: bars on a scale of powers of four, the heights on
 * one of powers of ten, because the few large messages are what a limit is about.
 */

import { byId, inside, setText } from './dom.js';
import { bytes, compact, count, exactBytes } from './format.js';
import { axis, colour, placed, typeface } from './plots.js';
import { onChange, state } from './state.js';
import uPlot from './uplot.js';

/**
 * @import { Size } from './types.d.ts'
 * @typedef {{ counts: number[], limit: number | null | undefined }} Known `undefined` where limits differ by route
 */

/** Binds both figures. */
export function sizes() {
  figure(byId('client-sizes'), 'client');
  figure(byId('upstream-sizes'), 'upstream');
}

function figure(/** @type {HTMLElement} */ node, /** @type {'client' | 'upstream'} */ sender) {
  /** @type {uPlot | null} */
  let plot = null;
  let shown = '';
  onChange(() => {
    if (state.now === null) return;
    const known = gather(sender);
    const key = JSON.stringify([known, state.route]);
    if (key === shown) return;
    shown = key;
    setText(inside(node, '.words'), describe(known));
    const data = bars(known);
    if (plot === null) {
      const place = inside(node, '.plot');
      const limitOf = () => gather(sender).limit;
      plot = placed(place, (size) => new uPlot(options(size, limitOf), data));
      place.append(plot.root);
    } else {
      plot.setData(data);
    }
  });
}

/**
 * Counts by size and the limit of the chosen route; of all routes where none is chosen.
 * @param {'client' | 'upstream'} sender
 * @returns {Known}
 */
function gather(sender) {
  const routes = (state.now?.routes ?? []).filter(({ name }) => state.route === null || name === state.route);
  const counts = [...state.sizeBounds, null].map((_, i) =>
    routes.reduce((sum, route) => sum + route[sender].sizes[i], 0),
  );
  const limits = new Set(routes.map((route) => route[sender].maxMessage));
  return { counts, limit: limits.size === 1 ? [...limits][0] : undefined };
}

function describe(/** @type {Known} */ { counts, limit }) {
  const total = counts.reduce((sum, of) => sum + of, 0);
  const words =
    limit === undefined ? 'limits differ by route' : limit === null ? 'no limit' : `limit ${exactBytes(limit)}`;
  if (total === 0) return `${words} · no message yet`;
  return `${words} · ${count(total, 'message')}, 99 % up to ${quantile(counts, total, 0.99)}, the largest up to ${quantile(counts, total, 1)}`;
}

/** The upper end of the bucket that holds this share of all. */
function quantile(/** @type {number[]} */ counts, /** @type {number} */ total, /** @type {number} */ share) {
  let left = share * total;
  let at = 0;
  while (left > counts[at]) left -= counts[at++];
  return at < state.sizeBounds.length
    ? bytes(state.sizeBounds[at])
    : `more than ${bytes(state.sizeBounds.at(-1) ?? 0)}`;
}

/**
 * Heights by powers of ten: 0 for none, and one message still to be seen. Buckets wholly above the limit stand apart.
 */
/** @type {(known: Known) => uPlot.AlignedData} */
function bars({ counts, limit }) {
  const at = counts.map((_, i) => i);
  const above = (/** @type {number} */ i) =>
    limit !== null && limit !== undefined && i > 0 && state.sizeBounds[i - 1] >= limit;
  const heights = counts.map((of) => (of === 0 ? null : Math.log10(of) + 1));
  return [at, heights.map((of, i) => (above(i) ? null : of)), heights.map((of, i) => (above(i) ? of : null))];
}

/** Where a size stands on the x scale: bucket i ends at i + 0.5. */
function position(/** @type {number} */ size) {
  const [first] = state.sizeBounds;
  return Math.log(size / first) / Math.log(state.sizeBounds[1] / first) + 0.5;
}

/** @returns {uPlot.Options} */
function options(/** @type {Size} */ { width, height }, /** @type {() => Known['limit']} */ limitOf) {
  const buckets = state.sizeBounds.length + 1;
  const drawn = /** @type {(options: object) => uPlot.Series.PathBuilder} */ (uPlot.paths.bars)({
    size: [0.86, 60],
    radius: 0.15,
  });
  const bar = (/** @type {string} */ name) => ({
    fill: () => colour(name),
    stroke: () => colour(name),
    width: 0,
    paths: drawn,
    points: { show: false },
  });
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [20, 8, 0, 0],
    scales: {
      x: { time: false, range: () => [-0.6, buckets - 0.4] },
      y: { range: (_, __, max) => [0, Math.max(Math.ceil((max ?? 0) + 0.2), 3)] },
    },
    axes: [
      axis({
        splits: (plot) => edges(plot.width),
        values: (_, splits) => splits.map((at) => bytes(state.sizeBounds[at - 0.5])),
        grid: { show: false },
        space: 30,
        size: 28,
      }),
      axis({
        size: 72,
        splits: (_, __, ___, max) => Array.from({ length: Math.floor(max) + 1 }, (_, i) => i),
        values: (_, splits) => splits.map((at) => (at === 0 ? '0' : compact(10 ** (at - 1)))),
      }),
    ],
    series: [{}, bar('--water'), bar('--bad-fill')],
    hooks: { draw: [(plot) => drawLimit(plot, limitOf())] },
  };
}

/** The ends of buckets that have a label: fewer where there is little room. */
function edges(/** @type {number} */ width) {
  const step = width < 360 ? 4 : width < 520 ? 3 : 2;
  return state.sizeBounds.map((_, i) => i + 0.5).filter((_, i) => i % step === step - 1 - (step % 2));
}

function drawLimit(/** @type {uPlot} */ plot, /** @type {Known['limit']} */ limit) {
  if (limit === null || limit === undefined) return;
  const { ctx } = plot;
  const { top, height, left, width } = plot.bbox;
  const x = Math.min(left + width, Math.max(left, Math.round(plot.valToPos(position(limit), 'x', true))));
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour('--bad');
  ctx.fillStyle = colour('--bad');
  ctx.lineWidth = 2 * scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, top - 4 * scale);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.font = typeface(11 * scale, 600);
  const words = `limit ${bytes(limit)}`;
  const room = ctx.measureText(words).width / 2;
  ctx.textAlign = 'center';
  ctx.fillText(words, Math.min(left + width - room, Math.max(left + room, x)), top - 8 * scale);
  ctx.restore();
}
