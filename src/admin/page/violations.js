/** Who hit which limit in the last hour. */
import { byId, cell, element, Rows, setAttribute, setText } from './dom.js';
import { count, exactBytes, moment, number } from './format.js';
import { pager } from './pager.js';
import { latestViolations, onChange, state } from './state.js';

/** @import { ViolationEntry } from './types.d.ts' */

const pageSize = 12;
const done = {
  reply: 'answered',
  close: 'connection closed',
  pause: 'sender paused',
  reject: 'request refused',
  report: 'reported only',
};
/**
 * A number in the unit that its limit is counted in.
 * @type {Record<ViolationEntry['unit'], (value: number | string) => string>}
 */
const inUnit = {
  bytes: exactBytes,
  ms: (value) => `${number(Number(value) / 1000)} s`,
  count: (value) => number(Number(value)),
  messages_per_second: (value) => `${number(Number(value))}/s`,
  bytes_per_second: (value) => `${exactBytes(value)}/s`,
};

/** Binds the table and its search. */
export function violations() {
  const rows = new Rows(byId('violations').tBodies[0], violationRow);
  const search = byId('violations-search');
  const pages = pager(byId('violations-pager'), pageSize, (offset) => {
    first = offset;
    draw();
  });
  let first = 0;
  search.addEventListener('input', () => {
    first = 0;
    draw();
  });

  function draw() {
    if (state.now === null) return;
    const words = search.value.trim().toLowerCase();
    const found = latestViolations().filter((entry) => words === '' || textOf(entry).includes(words));
    first = Math.min(first, Math.max(0, found.length - 1));
    first -= first % pageSize;
    rows.show(found.slice(first, first + pageSize).map((entry) => [entry.id, entry]));
    pages.show(first, found.length);
    byId('violations').hidden = found.length === 0;
    const empty = byId('violations-empty');
    empty.hidden = found.length > 0;
    setText(empty, words === '' ? 'No limit was hit in the last hour.' : `Nothing matches “${search.value.trim()}”.`);
    drawTotals();
  }

  onChange(draw);
}

function textOf(/** @type {ViolationEntry} */ { route, address, user, limit, sender, action, connection }) {
  return [route, address, user ?? '', limit, sender, done[action], connection ?? ''].join(' ').toLowerCase();
}

function drawTotals() {
  /** @type {Map<string, number>} */
  const byLimit = new Map();
  for (const { limit, times } of state.violationTotals) byLimit.set(limit, (byLimit.get(limit) ?? 0) + times);
  const words = [...byLimit].sort((a, b) => b[1] - a[1]).map(([limit, times]) => `${limit} ${number(times)}×`);
  setText(byId('violation-totals'), words.slice(0, 4).join(' · '));
}

/** @returns {import('./dom.js').Row<ViolationEntry>} */
function violationRow() {
  const time = cell('Time', 'when', 'th');
  const route = cell('Route', 'name');
  const address = cell('Address', 'who');
  const addressText = element('span', 'num');
  const connection = element('small', 'num');
  address.append(addressText, connection);
  const sender = cell('Sender');
  const limit = cell('Limit');
  const limitText = element('code');
  limit.append(limitText);
  const seen = cell('Seen, of allowed', 'n');
  const seenText = element('span');
  const allowed = element('small');
  seen.append(seenText, allowed);
  const action = cell('What was done');
  const times = cell('Times', 'n');
  const node = element('tr', '', time, route, address, sender, limit, seen, action, times);
  return {
    node,
    update(entry) {
      setText(time, moment(entry.lastAt));
      setText(route, entry.route);
      setText(addressText, entry.user === null ? entry.address : `${entry.user} · ${entry.address}`);
      setText(connection, entry.connection ?? '');
      setText(sender, entry.sender);
      setText(limitText, entry.limit);
      const { detail } = entry;
      setText(seenText, detail ?? `${entry.partial ? 'at least ' : ''}${inUnit[entry.unit](entry.observed)}`);
      const most = entry.configured === null ? 'unlimited' : inUnit[entry.unit](entry.configured);
      setText(allowed, detail === null ? `of ${most}` : '');
      setText(action, done[entry.action]);
      setAttribute(action, 'data-hot', entry.action === 'close' || entry.action === 'reject' ? '' : null);
      setText(times, number(entry.times));
      times.title = entry.times > 1 ? `${count(entry.times, 'time')} since ${moment(entry.firstAt)}` : '';
    },
  };
}
