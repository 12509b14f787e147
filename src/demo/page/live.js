/** The event stream: what the gateway counts and logs, pushed through the gateway itself. */

/** @import { Events } from './types.d.ts' */

/** @type {{ [Name in keyof Events]: ((value: Events[Name]) => void)[] }} */
const listeners = { setup: [], counters: [], flood: [], log: [] };
/**
 * Every sample by its full name, as it stands in /metrics.
 * @type {Map<string, number>}
 */
const samples = new Map();

/**
 * Calls `listener` with each event of that name.
 * @template {keyof Events} Name
 * @param {Name} event
 * @param {(value: Events[Name]) => void} listener
 */
export function on(event, listener) {
  listeners[event].push(listener);
}

/**
 * The sum of the samples of `family` whose labels include all of `labels`, such as `{route: 'flood'}`.
 * @param {string} family
 * @param {Readonly<Record<string, string>>} labels
 */
export function total(family, labels) {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  let sum = 0;
  for (const [name, value] of samples) {
    if (name.startsWith(`sluice_${family}{`) && wanted.every((label) => name.includes(label))) sum += value;
  }
  return sum;
}

/** Opens the stream and keeps it open; `status` shows whether it lives. */
export function watch(/** @type {HTMLElement} */ status) {
  const source = new EventSource('/events');
  source.addEventListener('open', () => {
    status.textContent = 'live';
    status.dataset.state = 'live';
  });
  source.addEventListener('error', () => {
    status.textContent = 'not connected';
    status.dataset.state = 'lost';
  });
  for (const event of /** @type {(keyof Events)[]} */ (Object.keys(listeners))) {
    source.addEventListener(event, ({ data }) => {
      const value = JSON.parse(data);
      if (event === 'counters')
        for (const [name, sample] of Object.entries(/** @type {Events['counters']} */ (value)))
          samples.set(name, sample);
      for (const listener of listeners[event]) listener(value);
    });
  }
}
