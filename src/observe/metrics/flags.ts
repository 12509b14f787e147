/** The tables of flags in docs/operations.md, from the catalogue. */
import { adminOutcomes, connectionOutcomes, handshakeOutcomes, httpOutcomes } from '../../catalogue/outcomes.ts';
import type { AnswerRow, CloseRow } from '../../catalogue/row.ts';

const begin = '<!-- flags: generated from src/catalogue/ by `npm run docs` -->';
const end = '<!-- /flags -->';

/** The text of docs/operations.md with the tables that are right. */
export function withFlags(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/operations.md must have ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${describeFlags()}\n${text.slice(to)}`;
}

/** One table for each kind of log line that carries a flag. */
export function describeFlags(): string {
  return [
    section(
      'Connections that end',
      '`event: end`',
      'reason',
      'close code to client / upstream',
      connectionOutcomes,
      ({ client, upstream }) => `${shown(client, "the peer's")} / ${shown(upstream, "the peer's")}`,
    ),
    answers('Handshakes', '`event: open` and `event: refused`', 'result', handshakeOutcomes),
    answers('HTTP requests', '`event: http_failed`', 'result', httpOutcomes),
    answers('The admin port', '`event: admin_refused`', 'reason', adminOutcomes),
  ].join('\n');
}

function answers(title: string, events: string, field: string, rows: Readonly<Record<string, AnswerRow>>): string {
  return section(title, events, field, 'status', rows, ({ status }) => shown(status, '–'));
}

function section<Row extends AnswerRow | CloseRow>(
  title: string,
  events: string,
  field: string,
  seen: string,
  rows: Readonly<Record<string, Row>>,
  seenOf: (row: Row) => string,
): string {
  const cells = Object.entries(rows).map(([name, row]) => {
    const { means, look, change } = row.advice;
    return line(row.flag, `\`${name}\``, seenOf(row), means, look, change);
  });
  const head = line('flag', field, seen, 'what it means', 'what to look at', 'what to change');
  return [`### ${title} (${events})`, '', head, '|---|---|---|---|---|---|', ...cells, ''].join('\n');
}

function shown(value: number, none: string): string {
  return value === 0 ? none : String(value);
}

function line(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
