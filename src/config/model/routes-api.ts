/**
 * The routes of an API, as far as the file speaks of them: where they are set, and the templates that they take their
 * limits from.
 */
import type { RouteKind, RoutesApi, RouteTemplate, TargetRules, UpstreamTarget } from '../types.ts';
import type { PresetName } from './presets.ts';
import type { ResolvedRoute } from './resolved.ts';
import type { RoutesApiSettings, TemplateSettings } from './routes-api-settings.ts';

/** In the place of a template's upstream: each of its routes has one of its own, and some of those may speak TLS. */
export const setByApi: UpstreamTarget = { protocol: 'https:', host: '', port: 0, href: 'set by routes_api' };

/** What JupyterHub and CHP do where nobody says otherwise. */
const usualRules: TargetRules = {
  headers: [],
  host: null,
  forwarded: true,
  targetPath: true,
  routePath: true,
  targetHost: false,
  locationHost: false,
  locationScheme: null,
};

/** A template: what it says of itself, and its preset. */
export interface Template extends TemplateSettings {
  readonly preset: PresetName | null;
}

/** JupyterHub's, where the file has none for a kind. Uploads through contents managers may be as large as a disk. */
const usual: readonly Template[] = [
  { name: 'hub', kind: 'hub', path: '/', preset: null },
  { name: 'servers', kind: 'server', path: '/', preset: 'jupyter' },
  { name: 'rooms', kind: 'server', path: '/api/collaboration/room', preset: 'jupyter-collaboration' },
  { name: 'services', kind: 'service', path: '/', preset: null },
  { name: 'other', kind: 'other', path: '/', preset: null },
];

/** A template that has been resolved, with what it is for. */
export interface ResolvedTemplate {
  readonly kind: RouteKind;
  readonly path: string;
  readonly resolved: ResolvedRoute;
}

/** Resolves the templates of the file, and those of JupyterHub for the kinds of which it has none. */
export function resolveTemplates(
  written: readonly Template[],
  resolve: (template: Template, at: number | null) => ResolvedRoute,
): readonly ResolvedTemplate[] {
  const kinds = new Set(written.map(({ kind }) => kind));
  const added = usual.filter(({ kind }) => !kinds.has(kind));
  const of = (template: Template, at: number | null): ResolvedTemplate => {
    const { kind, path } = template;
    return { kind, path, resolved: resolve(template, at) };
  };
  return [...written.map(of), ...added.map((template) => of(template, null))];
}

/** What the rest of Sluice reads of it. */
export function compileRoutesApi(api: RoutesApiSettings, templates: readonly ResolvedTemplate[]): RoutesApi {
  const { 'tls.cert': cert, 'tls.key': key, error_target: target, error_path: folder } = api;
  return {
    address: api.address,
    tls: cert === null || key === null ? null : { cert, key, clientCa: api['tls.client_ca'] },
    tokenFile: api.token_file,
    templates: templates.map(({ kind, path, resolved }): RouteTemplate => ({ kind, path, route: resolved.route })),
    targets: api.targets,
    stateFile: api.state_file,
    hubApi: api.hub_api,
    hosts: api.hosts,
    upstreamActivity: api['activity.upstream'],
    errors: target !== null ? { target } : folder !== null ? { folder } : null,
    rules: usualRules,
  };
}
