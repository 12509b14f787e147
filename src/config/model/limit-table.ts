/** The table of limits in README.md: what is built in, what its peer sees, and where it is counted. */

import type { LimitKind } from '../../catalogue/limit-values.ts';
import { limits } from '../../catalogue/limits.ts';
import type { ContentRuleRow, SenderLimitRow, SharedLimitRow } from '../../catalogue/row.ts';
import { limitKinds, type SettingKind } from './setting-kinds.ts';

const begin = '<!-- limits: generated from src/catalogue/limits.ts by `npm run docs` -->';
const end = '<!-- /limits -->';

/** The text of README.md with the table that is right. */
export function withLimitTable(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md must have ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${describeLimits()}\n\n${text.slice(to)}`;
}

type Row = SenderLimitRow | SharedLimitRow | ContentRuleRow;

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
    return (['client', 'upstream'] as const).map((side) => `${side} ${format(kind, builtIn[side])}`).join(', ');
  }
  if (table.none !== undefined && (builtIn === null || builtIn === Number.POSITIVE_INFINITY)) return table.none;
  const value = format(kind, builtIn);
  return table.unit === undefined ? value : `${value} ${table.unit}`;
}

function format(kind: LimitKind, value: unknown): string {
  return (limitKinds[kind] as SettingKind<unknown>).format(value);
}

function whatPeersSee({ kind, closes, refuses, fails, table }: Row): string {
  const answer = refuses ?? fails;
  const status = answer && `HTTP ${answer.status}`;
  const code =
    closes &&
    (kind === 'messageRate' || kind === 'byteRate' ? `${closes.client} with \`action: close\`` : closes.client);
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
