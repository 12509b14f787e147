/** The tables of flags in docs/operations.md, from the outcome catalogue and the advice beside it. */
import { type Advice, adminAdvice, connectionAdvice, handshakeAdvice, httpAdvice } from '../../catalogue/advice.ts';
import { adminOutcomes, connectionOutcomes, handshakeOutcomes, httpOutcomes } from '../../catalogue/outcomes.ts';

const begin = '<!-- flags: generated from src/catalogue/outcomes.ts and src/catalogue/advice.ts by `npm run docs` -->';
const end = '<!-- /flags -->';

/** The text of docs/operations.md with the tables that are right. */
export function withFlags(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/operations.md must have ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${describeFlags()}\n${text.slice(to)}`;
}

/** One table for each kind of log line that carries a flag. */
export function describeFlags(): string {
  const closes = Object.entries(connectionOutcomes).map(([reason, row]) => ({
    ...row,
    name: reason,
    seen: `${shown(row.client, "the peer's")} / ${shown(row.upstream, "the peer's")}`,
  }));
  return [
    section(
      'Connections that end',
      '`event: end`',
      'reason',
      'close code to client / upstream',
      closes,
      connectionAdvice,
    ),
    answers('Handshakes', '`event: open` and `event: refused`', 'result', handshakeOutcomes, handshakeAdvice),
    answers('HTTP requests', '`event: http_failed`', 'result', httpOutcomes, httpAdvice),
    answers('The admin port', '`event: admin_refused`', 'reason', adminOutcomes, adminAdvice),
  ].join('\n');
}

interface Row {
  readonly name: string;
  readonly flag: string;
  /** What the peer saw. */
  readonly seen: string;
}

function answers(
  title: string,
  events: string,
  field: string,
  outcomes: Readonly<Record<string, { readonly flag: string; readonly status: number }>>,
  advice: Readonly<Record<string, Advice>>,
): string {
  const rows = Object.entries(outcomes).map(([name, { flag, status }]) => ({ name, flag, seen: shown(status, '–') }));
  return section(title, events, field, 'status', rows, advice);
}

function section(
  title: string,
  events: string,
  field: string,
  seen: string,
  rows: readonly Row[],
  advice: Readonly<Record<string, Advice>>,
): string {
  const cells = rows.map((row) => {
    const { means, look, change } = advice[row.name]!;
    return line(row.flag, `\`${row.name}\``, row.seen, means, look, change);
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
