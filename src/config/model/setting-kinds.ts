/**
 * The kinds of settings: what the file may say, how a value is shown, and its unit. `kinds.ts` has what a single value
 * must look like.
 */
import { z } from 'zod';
import type { LimitKind, LimitValues, Rate } from '../../catalogue/limit-values.ts';
import { type Unit, unitOfKind } from '../../catalogue/unit.ts';
import { formatListenAddress } from '../language/addresses.ts';
import { formatCount, formatDuration, formatRate, formatShare, formatSize } from '../language/format.ts';
import type { ListenAddress, PairPaths, StoreTarget } from '../types.ts';
import { kind } from './kinds.ts';

/** The unit of a setting; `word` for what is no number. */
export type SettingUnit = Unit | 'word';

/** What a setting can be. */
export interface SettingKind<T> {
  readonly schema: z.ZodType<T>;
  readonly unit: SettingUnit;
  /** Whether `null` is a value, the one without a limit, rather than none. */
  readonly hasNull: boolean;
  /** As tables show it. */
  format(value: T): string;
  /** As it stands in the file: a text, a number, a mapping. */
  written(value: T): unknown;
}

type Shown<T> = Partial<Omit<SettingKind<T>, 'schema' | 'format'>>;

function shownAs<T>(schema: z.ZodType<T>, format: (value: T) => string, more: Shown<T> = {}): SettingKind<T> {
  return { schema, unit: 'word', hasNull: false, format, written: format, ...more };
}

function asWritten<T extends string | boolean>(schema: z.ZodType<T>): SettingKind<T> {
  return shownAs<T>(schema, String, { written: (value) => value });
}

/** The file has a number too, and a word for no limit. */
const asNumber = (value: number) => (Number.isFinite(value) ? value : 'unlimited');
const asBucket = (rate: Rate | null) =>
  rate === null ? 'unlimited' : { rate: `${rate.perSecond}/s`, burst: rate.burst };

/** The kinds of limits, as the catalogue names them. */
export const limitKinds: { readonly [K in LimitKind]: SettingKind<LimitValues[K]> } = {
  size: shownAs(kind.size, formatSize, { unit: unitOfKind.size }),
  sizeOrUnlimited: shownAs(kind.sizeOrUnlimited, formatSize, { unit: unitOfKind.sizeOrUnlimited }),
  duration: shownAs(kind.duration, formatDuration, { unit: unitOfKind.duration }),
  count: shownAs(kind.count, formatCount, { unit: unitOfKind.count, written: asNumber }),
  countOrUnlimited: shownAs(kind.countOrUnlimited, formatCount, {
    unit: unitOfKind.countOrUnlimited,
    written: asNumber,
  }),
  messageRate: shownAs(kind.messageRate, (rate) => formatRate(rate, 'messages'), {
    unit: unitOfKind.messageRate,
    hasNull: true,
  }),
  byteRate: shownAs(kind.byteRate, (rate) => formatRate(rate, 'bytes'), { unit: unitOfKind.byteRate, hasNull: true }),
  controlRate: shownAs<Rate>(kind.controlRate, (rate) => formatRate(rate, 'messages', 'close'), {
    unit: unitOfKind.controlRate,
    written: asBucket,
  }),
};

export const { size, duration, count } = limitKinds;
export const finiteDuration = shownAs(kind.finiteDuration, formatDuration, { unit: 'ms' });
export const prefixLength = shownAs(kind.prefixLength, String, { unit: 'count', written: asNumber });
export const share = shownAs(kind.share, formatShare);
export const requestRate = shownAs<Rate | null>(
  kind.requestRate,
  (rate) => formatRate(rate && { ...rate, action: 'pause' }, 'messages'),
  { hasNull: true, written: asBucket },
);
export const lineRate = shownAs<Rate | null>(
  kind.lineRate,
  (rate) => formatRate(rate && { ...rate, action: 'pause' }, 'messages'),
  { hasNull: true, written: asBucket },
);
export const address = shownAs<ListenAddress>(kind.address, formatListenAddress);
export const backend = shownAs(kind.upstream, ({ href }) => href);
export const store = shownAs<StoreTarget>(kind.store, ({ target }) => target.href);
export const identity = shownAs(kind.identity, (value) => JSON.stringify(value));
export const name = asWritten(kind.name);
export const userName = asWritten(kind.userName);
export const file = asWritten(kind.file);
export const path = asWritten(kind.path);
export const pairs = shownAs<readonly PairPaths[]>(
  z.array(kind.pair),
  (list) => list.map(({ cert }) => cert).join(', ') || 'none',
  { written: (list) => list },
);
export const depth = shownAs(kind.depth, formatCount, { unit: 'count', written: asNumber });
export const reply = shownAs<Readonly<Record<string, unknown>>>(kind.reply, (value) => JSON.stringify(value), {
  written: (value) => value,
});
export const serverName = asWritten(kind.serverName);
export const url = asWritten(kind.url);
export const urlOrSocket = asWritten(kind.urlOrSocket);
export const flag = asWritten(z.boolean());

/** One of these words. */
export function oneOf<const T extends string>(...names: readonly [T, ...T[]]): SettingKind<T> {
  return asWritten<T>(z.enum(names as [T, ...T[]]) as unknown as z.ZodType<T>);
}

/** A list of texts of a kind, with so many of them at least. */
export function listOf(element: z.ZodType<string>, least = 0): SettingKind<readonly string[]> {
  const schema = least === 0 ? z.array(element) : z.array(element).min(least);
  return shownAs<readonly string[]>(schema, (list) => list.join(', ') || 'none', { written: (list) => list });
}

export { kind };
