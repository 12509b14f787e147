/** The tables of flags in docs/operations.md, from the catalogue. */
import { adminOutcomes, connectionOutcomes, handshakeOutcomes, httpOutcomes } from '../../catalogue/outcomes.ts';
import type { AnswerRow, CloseRow } from '../../catalogue/row.ts';
import { code, replaceMarked, table } from '../../markdown.ts';

/** The text of docs/operations.md with the tables that are right. */
export function withFlags(text: string): string {
  return replaceMarked(text, 'flags', describeFlags());
}

/** One table for each kind of log line that carries a flag. */
export function describeFlags(): string {
  const ofPeer = (code: number) => shown(code, "the peer's");
  const ends = rowsOf(connectionOutcomes, ({ client, upstream }) => `${ofPeer(client)} / ${ofPeer(upstream)}`);
  return [
    section('Connections that end (`event: end`)', ['reason', 'close code to client / upstream'], ends),
    answers('Handshakes (`event: open` and `event: refused`)', 'result', handshakeOutcomes),
    answers('HTTP requests (`event: http_failed`)', 'result', httpOutcomes),
    answers('The admin port (`event: admin_refused`)', 'reason', adminOutcomes),
  ].join('\n');
}

function answers(title: string, field: string, outcomes: Readonly<Record<string, AnswerRow>>): string {
  return section(
    title,
    [field, 'status'],
    rowsOf(outcomes, ({ status }) => shown(status, '–')),
  );
}

/** `seen` is the name of the outcome, and what the peer sees of it. */
function section(title: string, seen: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = ['flag', ...seen, 'what it means', 'what to look at', 'what to change'];
  return `### ${title}\n\n${table(head, rows)}\n`;
}

function rowsOf<Row extends AnswerRow | CloseRow>(
  outcomes: Readonly<Record<string, Row>>,
  seen: (row: Row) => string,
): string[][] {
  return Object.entries(outcomes).map(([name, row]) => {
    const { means, look, change } = row.advice;
    return [row.flag, code(name), seen(row), means, look, change];
  });
}

function shown(value: number, none: string): string {
  return value === 0 ? none : String(value);
}
