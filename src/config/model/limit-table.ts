/** The table of limits in README.md: what is built in, what its peer sees, and where it is counted. */
import type { LimitKind } from '../../catalogue/limit-values.ts';
import { limits } from '../../catalogue/limits.ts';
import type { ContentRuleRow, SenderLimitRow, SharedLimitRow } from '../../catalogue/row.ts';
import { code, replaceMarked, table as tableOf } from '../../markdown.ts';
import { limitKinds, type SettingKind } from './setting-kinds.ts';

/** The text of README.md with the table that is right. */
export function withLimitTable(text: string): string {
  return replaceMarked(text, 'limits', describeLimits());
}

type Row = SenderLimitRow | SharedLimitRow | ContentRuleRow;

function describeLimits(): string {
  const head = ['limit', 'built in', 'what the peer sees', 'where it is counted'];
  const rows = Object.entries(limits as Readonly<Record<string, Row>>);
  return tableOf(
    head,
    rows.map(([key, row]) => [code(key), builtInOf(row), whatPeersSee(row), countersOf(key, row)]),
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
  const closing =
    closes &&
    (kind === 'messageRate' || kind === 'byteRate' ? `${closes.client} with \`action: close\`` : closes.client);
  const ending = closing && status ? `${closing}, or ${status} for new ones` : (closing ?? status);
  return [table.first, ending].filter((part) => part !== undefined).join('; ');
}

function countersOf(key: string, { isViolation, table }: Row): string {
  const violations = isViolation ? [`limit_violations_total{limit="${key}"}`] : [];
  return [...violations, ...(table.counted ?? [])].map(code).join(', ');
}
