/** The last five minutes of the chosen route: messages and bytes per second, from each side. */

import { byId, element, inside, setText } from './dom.js';
import { bytes, compact, time } from './format.js';
import { axis, colour, placed, wash } from './plots.js';
import { onChange, series, state } from './state.js';
import uPlot from './uplot.js';

/** @import { Size } from './types.d.ts' */

const windowSeconds = 300;
/** @type {{ name: string, column: string, colour: string, fill?: () => string, dash?: number[] }[]} */
const senders = [
  { name: 'from clients', column: 'client', colour: '--water-deep', fill: () => wash('--water-deep') },
  // Dashed, so that both are seen where one lies on the other, as with a server that echoes.
  { name: 'from upstream', column: 'upstream', colour: '--sand', dash: [5, 4] },
];
/** Powers of two, so that the lines stand at KiB and MiB. */
const byteSteps = Array.from({ length: 50 }, (_, i) => 2 ** i);

/** Binds both figures. */
export function throughput() {
  figure(byId('messages-figure'), 'Messages', (value) => `${compact(value)}/s`, {});
  figure(byId('bytes-figure'), 'Bytes', (value) => `${bytes(value)}/s`, { incrs: byteSteps });
}

function figure(
  /** @type {HTMLElement} */ node,
  /** @type {string} */ what,
  /** @type {(value: number) => string} */ words,
  /** @type {uPlot.Axis} */ steps,
) {
  const keys = inside(node, '.keys');
  const values = senders.map(({ name, column }) => {
    const value = element('b', 'num');
    keys.append(element('span', `key ${column}`, element('i'), `${name} `, value));
    return value;
  });
  const data = () =>
    /** @type {uPlot.AlignedData} */ ([state.times, ...senders.map(({ column }) => series(column + what))]);
  const plot = placed(inside(node, '.plot'), (size) => new uPlot(options(size, words, steps, showAt), data()));
  inside(node, '.plot').append(plot.root);

  /** The values under the pointer, or the latest. */
  function showAt(/** @type {number | null | undefined} */ index) {
    const at = index ?? state.times.length - 1;
    const [, ...rows] = data();
    for (const [i, row] of rows.entries()) {
      const value = row[at];
      setText(values[i], typeof value === 'number' ? words(value) : '–');
    }
  }

  onChange(() => {
    if (state.now === null) return;
    plot.setData(data());
    showAt(plot.cursor.idx);
  });
}

/** @returns {uPlot.Options} */
function options(
  /** @type {Size} */ { width, height },
  /** @type {(value: number) => string} */ words,
  /** @type {uPlot.Axis} */ steps,
  /** @type {(index: number | null | undefined) => void} */ onCursor,
) {
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false }, points: { size: 7 } },
    padding: [12, 20, 0, 0],
    scales: {
      x: { range: () => [(state.now?.at ?? Date.now()) / 1000 - windowSeconds, (state.now?.at ?? Date.now()) / 1000] },
      y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1) * 1.08] },
    },
    axes: [
      axis({
        space: 70,
        size: 28,
        values: (_, splits) => splits.map((at) => time(at * 1000).slice(0, 5)),
        incrs: [60, 120],
      }),
      axis({ size: 72, space: 36, values: (_, splits) => splits.map(words), ...steps }),
    ],
    series: [
      {},
      ...senders.map((sender) => ({
        stroke: () => colour(sender.colour),
        ...(sender.fill && { fill: sender.fill }),
        ...(sender.dash && { dash: sender.dash }),
        width: 2,
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx)] },
  };
}
