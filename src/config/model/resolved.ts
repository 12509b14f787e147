/** What holds, and where each value comes from. */
import type { Config, Route, RoutesApi, Timeouts } from '../types.ts';
import type { PresetName } from './presets.ts';
import type { SettingKey, Settings } from './route-settings.ts';

/** Where a value comes from. */
export type Source =
  | { readonly from: 'route' | 'defaults' | 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'preset'; readonly preset: PresetName }
  | { readonly from: 'built in' };

/** A route with its effective settings and the source of each. */
export interface ResolvedRoute {
  readonly route: Route;
  readonly preset: PresetName | null;
  readonly settings: Settings;
  readonly sources: Readonly<Record<SettingKey, Source>>;
  /** The route whose preset brought this one, or `null` for a route of the file. */
  readonly broughtBy: string | null;
  /** Keys of `defaults` that the preset overrides here, with their places. */
  readonly overridden: readonly { readonly key: SettingKey; readonly file: string; readonly line: number }[];
}

/** Everything that holds, and where it comes from; `Config` has the same values without the sources. */
export interface Resolved {
  /** The files' names as the user gave them. */
  readonly files: readonly string[];
  readonly listen: Config['listen'];
  readonly admin: Config['admin'];
  readonly memory: Config['memory'];
  readonly drain: Config['drain'];
  readonly log: Config['log'];
  readonly revokedUsers: Config['revokedUsers'];
  readonly quotas: Config['quotas'];
  readonly timeouts: Timeouts;
  readonly routes: readonly ResolvedRoute[];
  readonly routesApi: RoutesApi | null;
  /** What its routes take their limits from. */
  readonly templates: readonly ResolvedRoute[];
  /** By path in the file, such as `timeouts.connect`. */
  readonly sources: ReadonlyMap<string, Source>;
}

/** The sources of the settings of every route, and of every template in whose place programs set routes. */
export function sourcesByRoute(resolved: Resolved | null): ReadonlyMap<Route, ResolvedRoute['sources']> {
  const { routes, templates } = resolved ?? { routes: [], templates: [] };
  return new Map([...routes, ...templates].map(({ route, sources }) => [route, sources] as const));
}
