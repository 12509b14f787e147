/** The top of the page: what state Sluice is in, what is wrong, and the numbers of all routes together. */
import { byId, element, setAttribute, setText } from './dom.js';
import { bytes, compact, count, duration, moment, number, time } from './format.js';
import { onChange, state } from './state.js';

/** @import { FeedEvent, RouteSnapshot, SenderSnapshot } from './types.d.ts' */

/** @type {Map<string, { value: HTMLElement, note: HTMLElement }>} */
const tiles = new Map();
/** @type {{ why: string, since: number } | null} */
let lost = null;
/** From here on Sluice refuses handshakes for want of memory. */
const pressed = 0.75;

/** Binds it. */
export function summary() {
  for (const name of ['Connections', 'From clients', 'From upstreams', 'Paused', 'Buffer memory', 'Limits hit, 1 h']) {
    const value = element('dd', 'value');
    const note = element('dd', 'note');
    byId('tiles').append(element('div', '', element('dt', '', name), value, note));
    tiles.set(name, { value, note });
  }
  onChange(() => {
    if (state.now === null) return;
    drawState(state.now);
    drawTiles(state.now);
    drawNotices();
  });
}

/** Says that the feed is lost (`why`, in words) or live again (`null`). */
export function showLost(/** @type {string | null} */ why) {
  lost = why === null ? null : { why, since: lost?.since ?? Date.now() };
  const live = byId('live');
  live.dataset.state = lost === null ? 'live' : 'lost';
  setText(live, lost === null ? 'live' : 'not connected');
  document.body.toggleAttribute('data-stale', lost !== null);
  drawNotices();
}

function drawState(/** @type {FeedEvent} */ { at, drain, routes, config, build, startedAt }) {
  const connections = sum(routes, (route) => route.connections);
  setText(byId('state'), drain ? `Draining: ${count(connections, 'connection')} left` : 'Accepting connections');
  byId('state').dataset.state = drain ? 'draining' : 'accepting';
  const about = [
    `${config.files.join(', ')} in force since ${moment(config.loadedAt)}`,
    `Sluice ${build.version}${build.revision ? ` (${build.revision.slice(0, 7)})` : ''}`,
    `up ${duration(at - startedAt)}`,
  ];
  setText(byId('about'), about.join(' · '));
}

function drawTiles(/** @type {FeedEvent} */ { routes, memory }) {
  const rate = (/** @type {number} */ column) => sum(routes, (route) => route.rates[column]);
  const both = (/** @type {(sender: SenderSnapshot) => number} */ read) =>
    sum(routes, (route) => read(route.client) + read(route.upstream));
  const connections = sum(routes, (route) => route.connections);
  const paused = both((sender) => sender.paused);
  const hits = state.violationTotals.reduce((total, { times }) => total + times, 0);
  show('Connections', compact(connections), count(routes.length, 'route'));
  show('From clients', `${compact(rate(0))}/s`, `${bytes(rate(1))}/s`);
  show('From upstreams', `${compact(rate(2))}/s`, `${bytes(rate(3))}/s`);
  show(
    'Paused',
    number(paused),
    paused === 0 ? 'nobody has to wait' : paused === 1 ? 'sender has to wait' : 'senders have to wait',
  );
  // With leases and what is allocated beyond it: more than the routes have buffered.
  if (memory.max === null) show('Buffer memory', bytes(both((sender) => sender.buffered)), 'without a bound');
  else show('Buffer memory', share(memory.pressure), `of ${bytes(memory.max)}`, memory.pressure >= pressed);
  const addresses = new Set([...state.violations.values()].map(({ address }) => address)).size;
  show(
    'Limits hit, 1 h',
    compact(hits),
    hits === 0 ? 'none' : `from ${number(addresses)} address${addresses === 1 ? '' : 'es'}`,
    hits > 0,
  );
}

function show(/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ note, hot = false) {
  const tile = tiles.get(name);
  if (tile === undefined) return;
  setText(tile.value, value);
  setText(tile.note, note);
  setAttribute(/** @type {HTMLElement} */ (tile.value.parentElement), 'data-hot', hot ? '' : null);
}

/** Rebuilt only where the words change: screen readers read each change out. */
function drawNotices() {
  /** @type {(readonly [string, readonly string[]])[]} */
  const notices = [];
  if (lost !== null) {
    notices.push([`${lost.why}. What you see is from ${moment(lost.since)}; the page goes on trying.`, []]);
  }
  const { config, drain } = state.now ?? {};
  if (config?.error) {
    const head = `The configuration files have a mistake since ${moment(config.error.at)}; what was loaded before is still in force.`;
    notices.push([head, config.error.lines]);
  }
  if (config && config.needsRestart.length > 0) {
    notices.push([
      'These keys were changed and hold only after a restart; everything else is in force.',
      config.needsRestart,
    ]);
  }
  if (drain) notices.push([drainWords[drain.phase](drain), []]);
  const text = JSON.stringify(notices);
  const place = byId('notices');
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(
    ...notices.map(([head, lines]) =>
      element('div', 'notice', element('strong', '', head), ...lines.map((line) => element('code', '', line))),
    ),
  );
}

/** @type {Record<NonNullable<FeedEvent['drain']>['phase'], (drain: NonNullable<FeedEvent['drain']>) => string>} */
const drainWords = {
  announce: ({ closesAt }) =>
    `Sluice is shutting down: it still accepts, until load balancers have noticed. At ${time(closesAt)} it begins to refuse and to close.`,
  close: ({ deadlineAt }) =>
    `Sluice is shutting down: it refuses new connections and closes those that are open. What is left at ${time(deadlineAt)} is cut.`,
  cut: () => 'Sluice is shutting down: what is left is being cut.',
  finish: () => 'Sluice is shutting down: no connection is left.',
};

/** 0.004 → "0.4 %". */
const share = (/** @type {number} */ ratio) => `${number(100 * ratio)} %`;

/**
 * @param {readonly RouteSnapshot[]} items
 * @param {(item: RouteSnapshot) => number} read
 */
function sum(items, read) {
  return items.reduce((total, item) => total + read(item), 0);
}
