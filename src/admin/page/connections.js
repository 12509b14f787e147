/** The open connections, a page at a time, as the server sorts and finds them. */
import { askToClose } from './close.js';
import { byId, cell, element, pairCell, Rows, setAttribute, setText } from './dom.js';
import { bytes, count, duration, number } from './format.js';
import { pager } from './pager.js';
import { onChange } from './state.js';
import { authorization } from './token.js';

/** @import { ConnectionRow, Connections } from './types.d.ts' */

const pageSize = 25;
/** The table is for reading, not for watching: it moves seldom enough to hit a button. */
const refreshMs = 3000;

/**
 * The columns in order; those with `sort` can be sorted by.
 * @type {{ title: string, sort?: string, className?: string }[]}
 */
const columns = [
  { title: 'Client' },
  { title: 'Route' },
  { title: 'Open for', sort: 'age', className: 'n' },
  { title: 'From client', sort: 'bytes', className: 'n' },
  { title: 'From upstream', className: 'n' },
  { title: 'Buffered', sort: 'buffered', className: 'n' },
  { title: 'Paused', sort: 'paused' },
  { title: '' },
];

/** What is asked for. */
const view = { sort: 'buffered', order: 'desc', search: '', offset: 0 };
/** @type {Rows<string, ConnectionRow>} */
let rows;
/** @type {ReturnType<typeof pager>} */
let pages;
/** Answers that come late must not replace later ones. */
let asked = 0;
let askedAt = Number.NEGATIVE_INFINITY;

/** Binds the table, its search, its headers and its pages. */
export function connections() {
  const table = byId('connections');
  rows = new Rows(table.tBodies[0], connectionRow);
  pages = pager(byId('connections-pager'), pageSize, (offset) => show({ offset }));
  drawHead(/** @type {HTMLTableSectionElement} */ (table.tHead).rows[0]);
  const search = byId('connections-search');
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => show({ search: search.value.trim(), offset: 0 }), 200);
  });
  onChange(() => {
    if (!document.hidden && performance.now() - askedAt >= refreshMs) refresh();
  });
}

function show(/** @type {Partial<typeof view>} */ change) {
  Object.assign(view, change);
  return refresh();
}

async function refresh() {
  const mine = ++asked;
  askedAt = performance.now();
  try {
    const found = await ask();
    if (mine === asked) draw(found);
  } catch {
    // The feed says that the server is lost, and asks for a token.
  }
}

/** @returns {Promise<Connections>} */
async function ask() {
  const { sort, order, search, offset } = view;
  const query = new URLSearchParams({ sort, order, offset: String(offset), limit: String(pageSize) });
  if (search !== '') query.set('search', search);
  const answer = await fetch(`/api/connections?${query}`, { headers: authorization(), cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function draw(/** @type {Connections} */ { matching, connections: found }) {
  // The last page may have emptied meanwhile.
  if (found.length === 0 && view.offset > 0) {
    show({ offset: Math.max(0, Math.ceil(matching / pageSize) - 1) * pageSize });
    return;
  }
  rows.show(found.map((connection) => [connection.id, connection]));
  pages.show(view.offset, matching);
  // What was searched for is read out; what changes by itself is not.
  setAttribute(byId('connections-total'), 'aria-live', view.search ? 'polite' : 'off');
  setText(byId('connections-total'), view.search ? `${number(matching)} found` : count(matching, 'connection'));
  byId('connections').hidden = found.length === 0;
  const empty = byId('connections-empty');
  empty.hidden = found.length > 0;
  setText(empty, view.search ? `No connection matches “${view.search}”.` : 'No connection is open.');
}

function drawHead(/** @type {HTMLTableRowElement} */ row) {
  const heads = columns.map(({ title, sort, className = '' }) => {
    const head = element('th', className);
    head.scope = 'col';
    if (sort) {
      const button = element('button', 'sort', title);
      button.type = 'button';
      button.addEventListener('click', () => {
        view.order = view.sort === sort && view.order === 'desc' ? 'asc' : 'desc';
        view.sort = sort;
        mark();
        show({ offset: 0 });
      });
      head.append(button);
    } else if (title) {
      head.append(title);
    } else {
      head.append(element('span', 'hidden', 'Actions'));
    }
    return head;
  });
  function mark() {
    for (const [i, { sort }] of columns.entries()) {
      if (!sort) continue;
      const order = view.order === 'desc' ? 'descending' : 'ascending';
      setAttribute(heads[i], 'aria-sort', view.sort === sort ? order : 'none');
    }
  }
  mark();
  row.append(...heads);
}

/** @returns {import('./dom.js').Row<ConnectionRow>} */
function connectionRow(/** @type {string} */ id) {
  const client = cell('Client', 'who', 'th');
  const address = element('span', 'num');
  const where = element('small');
  client.append(address, where);
  const route = cell('Route', 'name');
  const age = cell('Open for', 'n');
  const fromClient = pairCell('From client');
  const fromUpstream = pairCell('From upstream');
  const buffered = cell('Buffered', 'n');
  const bufferedText = element('span');
  const queued = element('small');
  buffered.append(bufferedText, queued);
  const paused = cell('Paused');
  const pausedText = element('span');
  const pausedTotal = element('small');
  paused.append(pausedText, pausedTotal);
  const act = cell('', 'act n');
  const button = element('button', 'quiet close', 'Close');
  button.type = 'button';
  act.append(button);
  /** @type {ConnectionRow} */
  let shown;
  button.addEventListener('click', () => closeShown(shown, button));
  const node = element('tr', '', client, route, age, fromClient.node, fromUpstream.node, buffered, paused, act);
  return {
    node,
    update(connection) {
      shown = connection;
      const { client_sent: up, upstream_sent: down } = connection;
      setText(address, connection.user === null ? connection.address : `${connection.user} · ${connection.address}`);
      setText(where, `${connection.host}${connection.path} · ${id}`);
      setText(route, connection.route);
      setText(age, duration(1000 * connection.age_s));
      fromClient.show(bytes(up.bytes), count(up.messages, 'message'));
      fromUpstream.show(bytes(down.bytes), count(down.messages, 'message'));
      setText(bufferedText, bytes(connection.buffered_bytes));
      const waiting = up.queued_messages + down.queued_messages;
      setText(queued, waiting === 0 ? '' : `${number(waiting)} queued`);
      const who = [up.paused && 'client', down.paused && 'upstream'].filter(Boolean).join(' and ');
      setText(pausedText, who || 'no');
      setAttribute(pausedText, 'data-hot', who ? '' : null);
      setText(pausedTotal, connection.paused_ms === 0 ? '' : `${duration(connection.paused_ms)} in all`);
      const ending = connection.state === 'ending';
      button.disabled = ending;
      setText(button, ending ? 'Closing' : 'Close');
      button.setAttribute(
        'aria-label',
        `${ending ? 'Closing' : 'Close'} the connection of ${connection.address} on ${connection.route}`,
      );
    },
  };
}

/** The row goes with its connection, so focus moves on to the next one's button. */
async function closeShown(/** @type {ConnectionRow} */ connection, /** @type {HTMLButtonElement} */ button) {
  const closed = await askToClose(connection);
  const buttons = [.../** @type {NodeListOf<HTMLButtonElement>} */ (byId('connections').querySelectorAll('.close'))];
  const next = buttons[buttons.indexOf(button) + 1] ?? buttons.at(-2);
  if (!closed) {
    button.focus();
    return;
  }
  await refresh();
  const left = button.isConnected && !button.disabled ? button : next?.isConnected ? next : byId('connections-search');
  left.focus();
}
