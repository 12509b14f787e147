/** The routes of an API, as far as the file speaks of them: where they are set, and the templates that they take their limits from. */
import type { RouteKind, RoutesApi, RouteTemplate, TargetRules, UpstreamTarget } from '../types.ts';
import type { ResolvedRoute } from './resolve.ts';
import type { ParsedRoutesApi, ParsedTemplate } from './routes-api-schema.ts';

/** In the place of a template's upstream: each of its routes has one of its own, and some of those may speak TLS. */
export const setByApi: UpstreamTarget = { protocol: 'https:', host: '', port: 0, href: 'set by routes_api' };

/** What JupyterHub and CHP do where nobody says otherwise. */
export const usualRules: TargetRules = {
  headers: [],
  forwarded: true,
  targetPath: true,
  routePath: true,
  targetHost: false,
  locationHost: false,
  locationScheme: null,
};

/** JupyterHub's, where the file has none for a kind. Uploads through contents managers may be as large as a disk. */
const usual: readonly ParsedTemplate[] = [
  { name: 'hub', kind: 'hub' },
  { name: 'servers', kind: 'server', preset: 'jupyter' },
  { name: 'rooms', kind: 'server', path: '/api/collaboration/room', preset: 'jupyter-collaboration' },
  { name: 'services', kind: 'service' },
  { name: 'other', kind: 'other' },
];

/** A template that has been resolved, with what it is for. */
export interface Resolved {
  readonly kind: RouteKind;
  readonly path: string;
  readonly resolved: ResolvedRoute;
}

/** Resolves the templates of the file, and those of JupyterHub for the kinds of which it has none. */
export function resolveTemplates(
  api: ParsedRoutesApi | undefined,
  resolve: (template: ParsedTemplate, at: number | null) => ResolvedRoute,
): readonly Resolved[] {
  if (api === undefined) return [];
  const written = api.templates ?? [];
  const kinds = new Set(written.map(({ kind }) => kind));
  const added = usual.filter(({ kind }) => !kinds.has(kind));
  const of = (template: ParsedTemplate, at: number | null): Resolved => {
    const { kind, path = '/' } = template;
    return { kind, path, resolved: resolve(template, at) };
  };
  return [...written.map(of), ...added.map((template) => of(template, null))];
}

/** What the rest of Sluice reads of it. */
export function compileRoutesApi(api: ParsedRoutesApi, templates: readonly Resolved[]): RoutesApi {
  const { tls, error_target: target, error_path: folder } = api;
  return {
    address: api.address,
    tls: tls === undefined ? null : { cert: tls.cert, key: tls.key, clientCa: tls.client_ca ?? null },
    tokenFile: api.token_file ?? null,
    templates: templates.map(({ kind, path, resolved }): RouteTemplate => ({ kind, path, route: resolved.route })),
    targets: api.targets ?? null,
    stateFile: api.state_file ?? null,
    hosts: api.hosts ?? false,
    upstreamActivity: api.activity?.upstream ?? false,
    errors: target !== undefined ? { target } : folder !== undefined ? { folder } : null,
    rules: usualRules,
  };
}
