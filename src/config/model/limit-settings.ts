/** The settings that are limits: their rows stand in the catalogue. */
import { senderLimits, sharedLimits } from '../../catalogue/limits.ts';
import type { SenderLimitRow, SharedLimitRow } from '../../catalogue/row.ts';
import type { Sender } from '../types.ts';
import { limitKinds } from './setting-kinds.ts';
import type { SettingRow } from './settings.ts';

type Sent = typeof senderLimits;
type Shared = typeof sharedLimits;

type SenderSettings<S extends Sender> = {
  readonly [K in keyof Sent as `limits.${S}.${K}`]: SettingRow & {
    readonly kind: (typeof limitKinds)[Sent[K]['kind']];
    readonly field: `limits.${S}.${Sent[K]['field']}`;
    readonly ofPreset: true;
  };
};

/** The settings of what one side may send. */
export function senderSettings<S extends Sender>(sender: S): SenderSettings<S> {
  const receiver = sender === 'client' ? 'upstream' : 'client';
  const rows = Object.entries(senderLimits as Readonly<Record<string, SenderLimitRow>>).map(([key, row]) => [
    `limits.${sender}.${key}`,
    {
      kind: limitKinds[row.kind],
      about: row.about.replaceAll('{sender}', sender).replaceAll('{receiver}', receiver),
      builtIn: forSender(row.builtIn, sender),
      field: `limits.${sender}.${row.field}`,
      reload: 'live',
      ofPreset: true,
    },
  ]);
  return Object.fromEntries(rows) as SenderSettings<S>;
}

function forSender(builtIn: SenderLimitRow['builtIn'], sender: Sender): unknown {
  return typeof builtIn === 'object' && builtIn !== null && 'client' in builtIn ? builtIn[sender] : builtIn;
}

/** The limits whose path in the file is below `Section`; of `''` those that stand in none. */
type SharedLimitSettings<Section extends string> = {
  readonly [K in keyof Shared as Shared[K]['path'] extends infer P extends string
    ? Section extends ''
      ? P extends `${string}.${string}`
        ? never
        : P
      : P extends `${Section}.${string}`
        ? P
        : never
    : never]: SettingRow & {
    readonly kind: (typeof limitKinds)[Shared[K]['kind']];
    readonly field: Shared[K]['field'];
    readonly ofPreset: true;
  } & (Shared[K]['builtIn'] extends null ? { readonly builtIn: null } : unknown);
};

/** Limits of a route or of the process that stand in this section of the file. */
export function sharedLimitsBelow<Section extends string>(
  section: Section,
  more: Pick<SettingRow, 'none'> = {},
): SharedLimitSettings<Section> {
  const rows = Object.values(sharedLimits as Readonly<Record<string, SharedLimitRow>>)
    .filter(({ path }) => path.slice(0, Math.max(path.lastIndexOf('.'), 0)) === section)
    .map(({ path, kind, about, builtIn, field, reload }) => [
      path,
      { kind: limitKinds[kind], about, builtIn, field, reload, ofPreset: true, ...more },
    ]);
  return Object.fromEntries(rows) as SharedLimitSettings<Section>;
}
