/**
 * What holds on a route, setting by setting, under the paths that people write in the file. Sizes are bytes, times
 * milliseconds; JSON has no infinity, so what has no limit is the word `unlimited`.
 */
import { z } from 'zod';
import type { Rate } from '../../catalogue/limit-values.ts';
import type { Source } from '../../config/model/resolved.ts';
import { routeSettings } from '../../config/model/route-settings.ts';
import type { SettingUnit } from '../../config/model/setting-kinds.ts';
import { formatValue, type SettingRow, type SettingRows, valueAt } from '../../config/model/settings.ts';
import { topSettings } from '../../config/model/top-settings.ts';
import type { Config, Route } from '../../config/types.ts';

const rate = z.object({
  per_second: z.number(),
  burst: z.number().describe('What may pass at once after a quiet time.'),
  action: z.enum(['pause', 'close']),
});

const source = z
  .object({
    from: z
      .enum(['route', 'defaults', 'file', 'preset', 'built in'])
      .describe('`route`: the route itself; `file`: the top of the file; `built in`: nothing was said.'),
    file: z.string().optional().describe('For what stands in a file.'),
    line: z.int().optional(),
    preset: z.string().optional().describe('For what a preset brings.'),
  })
  .meta({ id: 'Source', description: 'Where a value comes from.' });

const units = [
  'bytes',
  'ms',
  'count',
  'messages_per_second',
  'bytes_per_second',
  'word',
] as const satisfies SettingUnit[];

const valueSchema = z.union([z.number(), z.string(), z.boolean(), rate, z.array(z.string()), z.null()]);
type Value = z.infer<typeof valueSchema>;

/** A value, its unit, and where it comes from. */
const settingSchema = z
  .object({
    value: valueSchema.describe(
      '`"unlimited"` where there is no limit; a time of 0 is off; `null` where nothing is set.',
    ),
    unit: z.enum(units),
    text: z.string().describe('As people write it in the file.'),
    source: source.nullable().describe('`null` where it is not known, because no file in force says it.'),
  })
  .meta({ id: 'Setting', description: 'A value in force, and where it comes from.' });

type Setting = z.infer<typeof settingSchema>;

/** Every setting of a route, by its path. */
export const routeSettingsSchema = settingsOf(routeSettings).meta({ id: 'RouteSettings' });

/** Every setting at the file's top that does not belong to a route, by its path. */
export const topSettingsSchema = settingsOf(topSettings).meta({ id: 'TopSettings' });

function settingsOf(rows: SettingRows) {
  return z.object(Object.fromEntries(shownOf(rows).map(([path]) => [path, settingSchema])));
}

function shownOf(rows: SettingRows) {
  return Object.entries(rows).flatMap(([path, row]) =>
    row.field === undefined ? [] : [[path, row, row.field] as const],
  );
}

/** What holds on a route; `sources` says where each value comes from, `null` where nobody knows. */
export function showRouteSettings(
  route: Route,
  sources: Readonly<Record<string, Source>> | null,
): z.infer<typeof routeSettingsSchema> {
  return readAll(routeSettings, route, (path) => sources?.[path] ?? null);
}

/** What holds for the whole process. */
export function showTopSettings(
  config: Config,
  sources: ReadonlyMap<string, Source> | null,
): z.infer<typeof topSettingsSchema> {
  // These settings stand in every route and in every template, and a file has at least one of either.
  const { timeouts } = config.routes[0] ?? config.routesApi!.templates[0]!.route;
  return readAll(topSettings, { ...config, timeouts }, (path) => sources?.get(path) ?? null);
}

function readAll(rows: SettingRows, tree: object, sourceOf: (path: string) => Source | null) {
  const settings: Record<string, Setting> = {};
  for (const [path, row, field] of shownOf(rows)) {
    const value = valueAt(tree, field);
    const { unit } = row.kind;
    settings[path] = { value: plain(row, value), unit, text: formatValue(row, value), source: sourceOf(path) };
  }
  return settings;
}

function plain({ kind }: SettingRow, value: unknown): Value {
  if (value === null) return kind.hasNull ? 'unlimited' : null;
  if (value === Number.POSITIVE_INFINITY) return 'unlimited';
  if (Array.isArray(value)) return [...value];
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (kind.unit === 'word') return kind.format(value);
  if (typeof value === 'number') return value;
  const { perSecond, burst, action } = value as Rate;
  return { per_second: perSecond, burst, action };
}
