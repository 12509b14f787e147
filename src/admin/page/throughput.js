/** The last five minutes of the chosen route: messages and bytes per second, from each side. */

import { byId, element, setText } from './dom.js';
import { bytes, compact, time } from './format.js';
import { axis, colour, placed, wash } from './plots.js';
import { onChange, series, state } from './state.js';
import uPlot from './uplot.js';

const windowSeconds = 300;
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

function figure(node, what, words, steps) {
  const keys = node.querySelector('.keys');
  const values = senders.map(({ name, column }) => {
    const value = element('b', 'num');
    keys.append(element('span', `key ${column}`, element('i'), `${name} `, value));
    return value;
  });
  const data = () => [state.times, ...senders.map(({ column }) => series(column + what))];
  const plot = placed(node.querySelector('.plot'), (size) => new uPlot(options(size, words, steps, showAt), data()));
  node.querySelector('.plot').append(plot.root);

  /** The values under the pointer, or the latest. */
  function showAt(index) {
    const at = index ?? state.times.length - 1;
    const [, ...rows] = data();
    for (const [i, row] of rows.entries()) setText(values[i], typeof row[at] === 'number' ? words(row[at]) : '–');
  }

  onChange(() => {
    if (state.now === null) return;
    plot.setData(data());
    showAt(plot.cursor.idx);
  });
}

function options({ width, height }, words, steps, onCursor) {
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
        fill: sender.fill,
        dash: sender.dash,
        width: 2,
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx)] },
  };
}
