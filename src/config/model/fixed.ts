/** What holds from the start of the process to its end. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../types.ts';
import { type SettingRow, valueAt } from './settings.ts';
import { topSettings } from './top-settings.ts';

/** Whether there is TLS holds until a restart. Which files it takes may change. */
const isTls = ({ listen }: Config) => listen.tls !== null;

/** A row whose field is its whole section stands for that. */
const fixed = Object.entries(topSettings as Readonly<Record<string, SettingRow>>).flatMap(
  ([path, { field, reload }]) =>
    reload === 'restart' && field !== undefined ? [{ key: path.startsWith(`${field}.`) ? field : path, field }] : [],
);

/** The paths of the settings that hold until a restart. */
export const fixedKeys: readonly string[] = fixed.map(({ key }) => key);

/** `next` with what cannot change while the process runs as it is in `current`, and the keys where they differ. */
export function keepFixed(current: Config, next: Config): { readonly config: Config; readonly differs: string[] } {
  let config = next;
  const differs: string[] = [];
  for (const { key, field } of fixed) {
    const value = valueAt(current, field);
    if (isDeepStrictEqual(value, valueAt(next, field))) continue;
    differs.push(key);
    config = withValue(config, field.split('.'), value) as Config;
  }
  if (isTls(current) !== isTls(next)) {
    differs.push('listen.tls');
    config = { ...config, listen: { ...config.listen, tls: current.listen.tls } };
  }
  const api = ({ routesApi }: Config) => routesApi && { ...routesApi, templates: null };
  if (!isDeepStrictEqual(api(current), api(next))) {
    differs.push('routes_api');
    // Its templates may change: they are no more than limits.
    const templates = next.routesApi?.templates;
    const routesApi = current.routesApi && {
      ...current.routesApi,
      templates: templates ?? current.routesApi.templates,
    };
    config = { ...config, routesApi };
  }
  return { config, differs };
}

/** A copy of a tree with another value in one place. */
function withValue(tree: unknown, [key, ...below]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  return { ...(tree as object), [key]: withValue((tree as Record<string, unknown>)[key], below, value) };
}
