/**
 * The schema of the file, made from the rows of the settings. Parsing, the JSON Schema and docs/configuration.md come
 * from it.
 */
import { z } from 'zod';
import { setting } from './kinds.ts';
import { ownSections, ownSettings } from './own-settings.ts';
import { routeSections, routeSettings } from './route-settings.ts';
import { type ParsedRoutesApi, routesApiSchema } from './routes-api-schema.ts';
import type { SettingRow, SettingRows } from './settings.ts';
import { topSections, topSettings } from './top-settings.ts';

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

const shared = keysOf(routeSettings, routeSections);
const route = z.strictObject({ ...keysOf(ownSettings, ownSections), ...shared });

const routesApi = routesApiSchema(keysOf(ownSettings, ownSections), shared);

/** The file. */
export const configSchema = z
  .strictObject({
    ...keysOf(topSettings, topSections),
    defaults: setting(z.strictObject(shared), topSections.defaults!),
    routes_api: setting(routesApi, topSections.routes_api!),
    routes: setting(z.array(route).min(1), topSections.routes!),
  })
  .meta({ anyOf: [{ required: ['routes'] }, { required: ['routes_api'] }] });

/** The file's values, parsed but not yet resolved; each at its path. */
export interface ParsedConfig {
  readonly defaults?: object | undefined;
  readonly routes?: readonly object[] | undefined;
  readonly routes_api?: ParsedRoutesApi | undefined;
}
