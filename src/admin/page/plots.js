/** What all plots share: the page's colours, their size, and drawing anew when either changes. */
import { element } from './dom.js';

/**
 * @import uPlot from 'uplot'
 * @import { Size } from './types.d.ts'
 */

const height = 190;
const dark = matchMedia('(prefers-color-scheme: dark)');
/** @type {Set<uPlot>} */
const plots = new Set();
/** @type {Map<string, string>} */
const colours = new Map();

/** A colour of the style sheet as a canvas takes it: custom properties are resolved by a real property. */
export function colour(/** @type {string} */ name) {
  let known = colours.get(name);
  if (known === undefined) {
    const probe = element('i');
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    known = getComputedStyle(probe).color;
    probe.remove();
    colours.set(name, known);
  }
  return known;
}

/** The same colour, mostly transparent. */
export function wash(/** @type {string} */ name, share = 0.14) {
  return colour(name).replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

dark.addEventListener('change', () => {
  colours.clear();
  for (const plot of plots) plot.redraw();
});

/** Plots into `place`, as wide as it is. `make(size)` gives the plot. */
export function placed(/** @type {HTMLElement} */ place, /** @type {(size: Size) => uPlot} */ make) {
  const widthOf = () => Math.max(200, Math.floor(place.clientWidth));
  const plot = make({ width: widthOf(), height });
  plots.add(plot);
  new ResizeObserver(() => {
    if (plot.width !== widthOf()) plot.setSize({ width: widthOf(), height });
  }).observe(place);
  return plot;
}

/** The page's own type, for a canvas. */
export const typeface = (/** @type {number} */ size, weight = 400) =>
  `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;

/**
 * An axis in the page's type and colours.
 * @param {uPlot.Axis} options
 * @returns {uPlot.Axis}
 */
export function axis(options) {
  return {
    stroke: () => colour('--soft'),
    font: typeface(11),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    ...options,
  };
}
