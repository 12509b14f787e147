/** Counters by route, and the last lines of the log. */
import { element, number } from './format.js';
import { on, total } from './live.js';

const routes = ['messages', 'files', 'flood'];
/** @type {[family: string, labels: Record<string, string>][]} */
const rows = [
  ['connections_active', {}],
  ['messages_total', { sender: 'client' }],
  ['message_bytes_total', { sender: 'client' }],
  ['message_bytes_total', { sender: 'upstream' }],
  ['buffered_bytes', {}],
  ['paused_connections', {}],
  ['pauses_total', { cause: 'buffer' }],
  ['pauses_total', { cause: 'rate' }],
  ['limit_violations_total', { limit: 'max_message_size' }],
  ['limit_violations_total', { limit: 'max_byte_rate' }],
  ['limit_violations_total', { limit: 'max_pause' }],
  ['connections_closed_total', { reason: 'client_closed' }],
  ['connections_closed_total', { reason: 'message_too_big' }],
  ['connections_closed_total', { reason: 'slow_receiver' }],
];
const shownLines = 12;

/** Fills the table and keeps it live. A changed number lights up. */
export function counters(/** @type {HTMLTableElement} */ table) {
  /** @type {{ cell: HTMLTableCellElement, family: string, labels: Record<string, string>, value: number }[]} */
  const cells = [];
  for (const [family, labels] of rows) {
    const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`)[0];
    const name = element('th', '', element('span', '', family), element('small', '', label ?? ''));
    name.scope = 'row';
    const row = element('tr', '', name);
    for (const route of routes) {
      const cell = element('td', 'zero', '0');
      cells.push({ cell, family, labels: { ...labels, route }, value: 0 });
      row.append(cell);
    }
    table.tBodies[0].append(row);
  }
  on('counters', () => {
    for (const entry of cells) {
      const value = total(entry.family, entry.labels);
      if (value === entry.value) continue;
      entry.value = value;
      entry.cell.textContent = compact(value);
      entry.cell.title = number(value);
      entry.cell.className = value === 0 ? 'zero' : 'lit';
      entry.cell.addEventListener('animationend', () => entry.cell.classList.remove('lit'), { once: true });
    }
  });
}

/** Shows the newest log lines; each opens to its whole JSON. */
export function log(/** @type {HTMLElement} */ list) {
  on('setup', () => list.replaceChildren(element('li', 'none', 'No line yet.')));
  on('log', (line) => {
    list.querySelector('.none')?.remove();
    const summary = element(
      'summary',
      '',
      element('time', '', new Date(line.time).toLocaleTimeString('en-GB')),
      element('b', '', line.flag ?? ''),
      element('span', '', [line.route, line.reason ?? line.event ?? line.msg].filter(Boolean).join(' · ')),
    );
    const item = element('li', '', element('details', '', summary, element('pre', '', JSON.stringify(line, null, 2))));
    item.dataset.level = String(line.level);
    list.prepend(item);
    while (list.children.length > shownLines) list.lastElementChild?.remove();
  });
}

function compact(/** @type {number} */ value) {
  if (value >= 1024 ** 2) return `${(value / 1024 ** 2).toFixed(1)} Mi`;
  return number(value);
}
