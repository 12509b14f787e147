/** The table of limits in README.md: what is built in, what its peer sees, and where it is counted. */
import { limits } from '../../catalogue/limits.ts';
import type { LimitKind, SenderLimitRow, SharedLimitRow } from '../../catalogue/row.ts';
import { formatCount, formatDuration, formatRate, formatSize } from '../language/format.ts';
import type { Rate } from '../types.ts';

const begin = '<!-- limits: generated from src/catalogue/limits.ts by `npm run docs` -->';
const end = '<!-- /limits -->';

/** The text of README.md with the table that is right. */
export function withLimitTable(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md must have ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${describeLimits()}\n\n${text.slice(to)}`;
}

type Row = SenderLimitRow | SharedLimitRow;

function describeLimits(): string {
  const rows = Object.entries(limits as Readonly<Record<string, Row>>).map(([key, row]) =>
    line(`\`${key}\``, builtInOf(row), whatPeersSee(row), countersOf(key, row)),
  );
  return [line('limit', 'built in', 'what the peer sees', 'where it is counted'), '|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function builtInOf({ kind, builtIn, table }: Row): string {
  if (typeof builtIn === 'object' && builtIn !== null && 'client' in builtIn) {
    return (['client', 'upstream'] as const).map((side) => `${side} ${formats[kind](builtIn[side])}`).join(', ');
  }
  if (table.none !== undefined && (builtIn === null || builtIn === Number.POSITIVE_INFINITY)) return table.none;
  const value = formats[kind](builtIn);
  return table.unit === undefined ? value : `${value} ${table.unit}`;
}

const formats: Readonly<Record<LimitKind, (value: unknown) => string>> = {
  size: (value) => formatSize(value as number),
  size_or_unlimited: (value) => formatSize(value as number),
  duration: (value) => formatDuration(value as number),
  count: (value) => formatCount(value as number),
  count_or_unlimited: (value) => formatCount(value as number),
  message_rate: (value) => formatRate(value as Rate | null, 'messages'),
  byte_rate: (value) => formatRate(value as Rate | null, 'bytes'),
  control_rate: (value) => formatRate(value as Rate, 'messages', 'close'),
};

function whatPeersSee({ kind, closes, refuses, fails, table }: Row): string {
  const answer = refuses ?? fails;
  const status = answer && `HTTP ${answer.status}`;
  const code =
    closes &&
    (kind === 'message_rate' || kind === 'byte_rate' ? `${closes.client} with \`action: close\`` : closes.client);
  const ending = code && status ? `${code}, or ${status} for new ones` : (code ?? status);
  return [table.first, ending].filter((part) => part !== undefined).join('; ');
}

function countersOf(key: string, { isViolation, table }: Row): string {
  const violations = isViolation ? [`limit_violations_total{limit="${key}"}`] : [];
  return [...violations, ...(table.counted ?? [])].map((counter) => `\`${counter}\``).join(', ');
}

function line(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
