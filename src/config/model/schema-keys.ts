/** The keys of a section of the file, made from the rows of its settings. */
import { z } from 'zod';
import { setting } from './kinds.ts';
import type { SettingRow, SettingRows } from './settings.ts';

type Sections = Readonly<Record<string, string>>;

/** The keys of one section, in the order of their rows. `at` is its path, with a dot behind it. */
export function keysOf(rows: SettingRows, sections: Sections, at = ''): Record<string, z.ZodType> {
  const keys: Record<string, z.ZodType> = {};
  for (const [path, row] of Object.entries(rows)) {
    if (!path.startsWith(at)) continue;
    const [key = '', ...below] = path.slice(at.length).split('.');
    if (key in keys) continue;
    const section = `${at}${key}`;
    keys[key] =
      below.length === 0
        ? leafOf(row)
        : setting(z.strictObject(keysOf(rows, sections, `${section}.`)), sections[section]!);
  }
  return keys;
}

function leafOf({ kind, about, builtIn, isRequired }: SettingRow): z.ZodType {
  if (isRequired) return kind.schema.meta({ description: about });
  return setting(
    kind.schema,
    about,
    builtIn === undefined || (builtIn === null && !kind.hasNull) ? undefined : kind.written(builtIn),
  );
}
