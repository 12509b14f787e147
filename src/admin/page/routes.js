/** The routes: connections against their limit, what passes, what waits, what was refused. */
import { byId, cell, element, pairCell, Rows, setAttribute, setText } from './dom.js';
import { bytes, compact, number } from './format.js';
import { pager } from './pager.js';
import { changed, onChange, state } from './state.js';

/** @import { RouteSnapshot } from './types.d.ts' */

/** From here on a route's connections are shown as close to their limit. */
const nearly = 0.8;
/** Of thousands of routes a page, so that what stands below them is not out of reach. */
const pageSize = 25;

/** Binds the table, its search and its pages, and the list to choose a route from. */
export function routes() {
  const rows = new Rows(byId('routes').tBodies[0], routeRow);
  const pick = byId('route-pick');
  const search = byId('routes-search');
  let first = 0;
  const show = (/** @type {number} */ offset) => {
    first = offset;
    draw();
  };
  const pages = pager(byId('routes-pager'), pageSize, show);
  pick.addEventListener('change', () => choose(pick.value === '' ? null : pick.value));
  search.addEventListener('input', () => show(0));

  function draw() {
    if (state.now === null) return;
    const { routes: all } = state.now;
    const words = search.value.trim().toLowerCase();
    const found = all.filter(
      (route) => words === '' || `${route.name} ${whereOf(route)}`.toLowerCase().includes(words),
    );
    if (first >= found.length) first = 0;
    rows.show(found.slice(first, first + pageSize).map((route) => [route.name, route]));
    pages.show(first, found.length);
    byId('routes-filter').hidden = all.length <= pageSize;
    byId('routes').hidden = found.length === 0 && words !== '';
    byId('routes-empty').hidden = found.length > 0 || words === '';
    setText(byId('routes-empty'), `No route matches “${search.value.trim()}”.`);
    drawPick(
      pick,
      all.map(({ name }) => name),
    );
  }

  onChange(draw);
}

function choose(/** @type {string | null} */ route) {
  state.route = route;
  changed();
}

/** @returns {import('./dom.js').Row<RouteSnapshot>} */
function routeRow(/** @type {string} */ name) {
  const button = element('button', 'link', name);
  button.type = 'button';
  button.addEventListener('click', () => {
    choose(state.route === name && (state.now?.routes.length ?? 0) > 1 ? null : name);
  });
  const where = element('small');
  const title = cell('Route', 'who', 'th');
  title.append(button, where);

  const meter = element('meter', 'meter');
  meter.setAttribute('aria-label', `Connections of ${name} against their limit`);
  const connections = cell('Connections', 'against');
  const connectionsText = element('span');
  connections.append(connectionsText, meter);

  const fromClients = pairCell('From clients');
  const fromUpstream = pairCell('From upstream');
  const paused = cell('Paused', 'n');
  const buffered = pairCell('Buffered');
  const hits = cell('Limits hit, 1 h', 'n');
  const node = element('tr', '', title, connections, fromClients.node, fromUpstream.node, paused, buffered.node, hits);

  return {
    node,
    update(route) {
      setAttribute(button, 'aria-pressed', String(state.route === name));
      setAttribute(node, 'data-chosen', state.route === name ? '' : null);
      setText(where, whereOf(route));
      const { connections: open, maxConnections: max } = route;
      setText(connectionsText, `${number(open)} of ${max === null ? 'unlimited' : number(max)}`);
      meter.hidden = max === null;
      if (max !== null) {
        meter.max = max;
        meter.value = open;
        meter.high = max * nearly;
        meter.optimum = 0;
        setAttribute(connections, 'data-hot', open >= max * nearly ? '' : null);
      }
      fromClients.show(`${compact(route.rates[0])}/s`, `${bytes(route.rates[1])}/s`);
      fromUpstream.show(`${compact(route.rates[2])}/s`, `${bytes(route.rates[3])}/s`);
      const waiting = route.client.paused + route.upstream.paused;
      setText(paused, number(waiting));
      setAttribute(paused, 'data-hot', waiting > 0 ? '' : null);
      const queued = route.client.queued + route.upstream.queued;
      buffered.show(
        bytes(route.client.buffered + route.upstream.buffered),
        queued === 0 ? '' : `${number(queued)} queued`,
      );
      const times = state.violationTotals.reduce((sum, hit) => (hit.route === name ? sum + hit.times : sum), 0);
      setText(hits, number(times));
      setAttribute(hits, 'data-hot', times > 0 ? '' : null);
    },
  };
}

function whereOf(/** @type {RouteSnapshot} */ { where, mode }) {
  if (where === null) return 'removed by a reload; its connections go on';
  const hosts = where.hosts.length === 0 ? '' : where.hosts.join(', ');
  return `${hosts}${where.path} → ${where.upstream.replace(/^http:\/\//, '')}${mode === 'report' ? ' · reports only' : ''}`;
}

function drawPick(/** @type {HTMLSelectElement} */ pick, /** @type {string[]} */ names) {
  const key = names.join('\n');
  if (pick.dataset.names !== key) {
    pick.dataset.names = key;
    const all = names.length > 1 ? [new Option('all routes', '')] : [];
    pick.replaceChildren(...all, ...names.map((name) => new Option(name, name)));
  }
  pick.value = state.route ?? '';
}
