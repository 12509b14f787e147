/**
 * Every setting of the file, one row each. To add one, write its row where it stands in the file: in `top-settings.ts`,
 * in `route-settings.ts` (what routes, presets and `defaults` share) or in `own-settings.ts` (what only routes have),
 * give its field a type in `../types.ts`, and, for a new section, its words beside the rows. A limit is a row of
 * `src/catalogue/limits.ts` instead. The schema, the defaults, `check`, the API's settings and the reference come from
 * the rows.
 */
import type { Nested } from '../types.ts';
import type { SettingKind } from './setting-kinds.ts';

/** What a reload does: changes it at once, for what comes then, or not before a restart. */
export type Reload = 'live' | 'new' | 'restart';

/** A setting. */
export interface SettingRow {
  readonly kind: SettingKind<unknown>;
  /** What it is for. Markdown without line breaks. */
  readonly about: string;
  /** What holds where nobody says anything; `null` for nothing, or for what is found elsewhere. */
  readonly builtIn?: unknown;
  /** Without it the section that it stands in is an error. */
  readonly isRequired?: true;
  /**
   * Where the code finds it, in `Route` or `Config`. Where it is missing, `resolve.ts` knows what to make of the value.
   */
  readonly field?: string;
  readonly reload: Reload;
  /** Whether a preset may say it. */
  readonly ofPreset?: true;
  /** What `check` shows for `null`. */
  readonly none?: string;
}

/** Rows by their paths in the file, in the order in which the reference shows them. */
export type SettingRows = Readonly<Record<string, SettingRow>>;

/** What the value of a row is once the file has been resolved. */
export type ValueOf<Row> = Row extends { readonly kind: SettingKind<infer T> }
  ? Row extends { readonly builtIn: null }
    ? T | null
    : T
  : never;

/** A value for each row, by its path in the file. */
export type ValuesOf<Rows> = { readonly [P in keyof Rows]: ValueOf<Rows[P]> };

/** A value for each row that has a field, by that field. */
export type FieldsOf<Rows> = {
  readonly [P in keyof Rows as Rows[P] extends { readonly field: infer F extends string } ? F : never]: ValueOf<
    Rows[P]
  >;
};

/** What is built in, by path. */
export function builtInOf<Rows extends SettingRows>(rows: Rows): ValuesOf<Rows> {
  return Object.fromEntries(Object.entries(rows).map(([path, { builtIn }]) => [path, builtIn])) as ValuesOf<Rows>;
}

const known = new Map<string, readonly [sections: readonly string[], key: string]>();

/**
 * A path as its sections and its key. There are few, and thousands of routes ask for each, so they are taken apart
 * once.
 */
export function partsOf(path: string): readonly [sections: readonly string[], key: string] {
  const before = known.get(path);
  if (before !== undefined) return before;
  const sections = path.split('.');
  const parts = [sections, sections.pop()!] as const;
  known.set(path, parts);
  return parts;
}

/** Puts each value where the code finds it. */
export function nest<Rows extends SettingRows>(rows: Rows, values: ValuesOf<Rows>): Nested<FieldsOf<Rows>> {
  const tree: Record<string, unknown> = {};
  for (const [path, { field }] of Object.entries(rows)) {
    if (field === undefined) continue;
    const [sections, key] = partsOf(field);
    let inner = tree;
    for (const section of sections) {
      inner[section] ??= {};
      inner = inner[section] as Record<string, unknown>;
    }
    inner[key] = values[path];
  }
  return tree as Nested<FieldsOf<Rows>>;
}

/** The value at a row's field; `null` where the section is not there. */
export function valueAt(tree: unknown, field: string): unknown {
  return field.split('.').reduce((inner, key) => (inner as Record<string, unknown> | null)?.[key] ?? null, tree);
}

/** A value as tables show it; `none` where there is none. */
export function formatValue({ kind }: SettingRow, value: unknown, none = 'not set'): string {
  return value === null && !kind.hasNull ? none : kind.format(value);
}
