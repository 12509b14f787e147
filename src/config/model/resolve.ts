/**
 * Finds what holds. A setting of a route comes from the route itself, its preset, `defaults`, the file's top or what is
 * built in, in this order. Each remembers where it comes from.
 */
import { createHash } from 'node:crypto';
import type { ConfigDocument } from '../language/document.ts';
import { type ConfigPath, formatPath } from '../language/errors.ts';
import type { Config, Route, Timeouts } from '../types.ts';
import { compileAuth } from './auth.ts';
import { patternKeys, roomsName, roomsPattern } from './conflicts.ts';
import { type OwnSettings, ownSettings } from './own-settings.ts';
import { reportedHandshakes } from './page-loads.ts';
import { type PresetName, presets } from './presets.ts';
import { quotasOf } from './quota-settings.ts';
import type { Resolved, ResolvedRoute, Source } from './resolved.ts';
import { builtIn, routeSettings, type SettingKey, type Settings, settingKeys } from './route-settings.ts';
import { compileRoutesApi, resolveTemplates, setByApi, type Template } from './routes-api.ts';
import type { ParsedRoutesApi } from './routes-api-schema.ts';
import { type RoutesApiSettings, routesApiSettings, templateSettings } from './routes-api-settings.ts';
import type { ParsedConfig } from './schema.ts';
import { nest, partsOf, type SettingRows, type ValuesOf } from './settings.ts';
import { topSettings } from './top-settings.ts';
import { compileValidation } from './validation-settings.ts';

/** A value of the file, and where it stands. */
interface Written {
  readonly value: unknown;
  readonly file: string;
  readonly line: number;
}

/** Some settings, each with its place. */
type Layer<Key extends string = SettingKey> = ReadonlyMap<Key, Written>;

/** Resolves a valid configuration; `files` are the files it stands in. */
export function resolve(document: ConfigDocument, parsed: ParsedConfig, files: readonly string[]): Resolved {
  const sources = new Map<string, Source>();
  const top = valuesOf(topSettings, layerOf(document, [], parsed, Object.keys(topSettings)), sources);
  const { listen, admin, memory, drain, log, revokedUsers, timeouts } = nest(topSettings, top);
  const defaults = layerOf(document, ['defaults'], parsed.defaults, settingKeys);
  // What stands at the top under the path of a route's setting holds for the routes that say nothing else.
  const file = layerOf(
    document,
    [],
    parsed,
    settingKeys.filter((path) => path in topSettings),
  );
  const resolveTemplate = (template: Template, i: number | null) => {
    const at: ConfigPath = ['routes_api', 'templates', i ?? 0];
    const entry = i === null ? {} : parsed.routes_api!.templates![i]!;
    const route = { ...ownOf(document, at, entry), ...template, upstream: setByApi };
    return resolveRoute(route, {
      own: layerOf(document, at, entry, settingKeys),
      ...{ defaults, file, preset: template.preset, timeouts },
    });
  };
  const api = parsed.routes_api;
  const templates = api === undefined ? [] : resolveTemplates(templatesOf(document, api), resolveTemplate);
  const fileRoutes = parsed.routes ?? [];
  const own = fileRoutes.map((route, i) => ownOf(document, ['routes', i], route));
  const written = new Set(own.flatMap((route) => patternKeys(route['match.hosts'] ?? [], route['match.path'])));
  const routes = own.flatMap((route, i) => {
    const mine = layerOf(document, ['routes', i], fileRoutes[i], settingKeys);
    const resolved = resolveRoute(route, { own: mine, defaults, file, preset: route.preset, timeouts });
    const rooms = route.preset === 'jupyter' ? roomsOf(route, written) : null;
    if (rooms === null) return [resolved];
    const inherited = new Map(mine);
    for (const key of ownedByRooms) inherited.delete(key);
    return [
      resolved,
      resolveRoute(rooms, { own: inherited, defaults, file, preset: rooms.preset, timeouts }, route.name),
    ];
  });
  return {
    files,
    listen: { ...listen, tls: tlsOf(top) },
    admin,
    memory,
    log,
    drain,
    revokedUsers,
    quotas: quotasOf(top),
    timeouts,
    routes,
    routesApi: api === undefined ? null : compileRoutesApi(apiOf(document, api, sources), templates),
    templates: templates.map(({ resolved }) => resolved),
    sources,
  };
}

function tlsOf(top: ValuesOf<typeof topSettings>): Config['listen']['tls'] {
  const { 'listen.tls.cert': cert, 'listen.tls.key': key, 'listen.tls.certificates': certificates } = top;
  if (cert === null || key === null) return null;
  const ca = top['listen.tls.client_certificates.ca'];
  const crl = top['listen.tls.client_certificates.crl'];
  const isRequired = top['listen.tls.client_certificates.required'];
  return { cert, key, certificates, clients: ca === null ? null : { ca, crl, isRequired } };
}

/** The value of each row: what the file says, or what is built in. Where each comes from is added to `sources`. */
function valuesOf<Rows extends SettingRows>(
  rows: Rows,
  layer: Layer<string>,
  sources: Map<string, Source>,
): ValuesOf<Rows> {
  const values = Object.entries(rows).map(([path, { builtIn = null }]) => {
    const written = layer.get(path);
    sources.set(path, written === undefined ? { from: 'built in' } : { from: 'file', ...lineOf(written) });
    return [path, written === undefined ? builtIn : written.value];
  });
  return Object.fromEntries(values) as ValuesOf<Rows>;
}

/** What a route says of itself. */
function ownOf(document: ConfigDocument, at: ConfigPath, route: object): OwnSettings {
  return valuesOf(ownSettings, layerOf(document, at, route, Object.keys(ownSettings)), new Map());
}

/** What `routes_api` says, but for its templates. */
function apiOf(document: ConfigDocument, api: object, sources: Map<string, Source>): RoutesApiSettings {
  const own = new Map<string, Source>();
  const layer = layerOf(document, ['routes_api'], api, Object.keys(routesApiSettings));
  const values = valuesOf(routesApiSettings, layer, own);
  for (const [path, source] of own) sources.set(`routes_api.${path}`, source);
  return values;
}

/** The templates of the file. */
function templatesOf(document: ConfigDocument, { templates = [] }: ParsedRoutesApi): Template[] {
  return templates.map((entry, i) => {
    const at = ['routes_api', 'templates', i];
    const layer = layerOf(document, at, entry, Object.keys(templateSettings));
    return { ...valuesOf(templateSettings, layer, new Map()), preset: ownOf(document, at, entry).preset };
  });
}

/** A room does not take these from the route above it. They are the reason why it is a route of its own. */
const ownedByRooms: readonly SettingKey[] = ['limits.client.max_message_size', 'limits.client.max_frame_size'];

/** The route for the rooms below a Jupyter route, on the hosts where the file has none of its own. */
function roomsOf(route: OwnSettings, written: ReadonlySet<string>): OwnSettings | null {
  const path = roomsPattern(route['match.path']);
  const free = (hosts: readonly string[]) => patternKeys(hosts, path).every((key) => !written.has(key));
  const hosts = route['match.hosts'];
  const left = hosts?.filter((host) => free([host])) ?? null;
  if (left === null ? !free([]) : left.length === 0) return null;
  const name = roomsName(route.name);
  return { ...route, name, preset: 'jupyter-collaboration', 'match.hosts': left, 'match.path': path };
}

function lineOf({ file, line }: { readonly file: string; readonly line: number }) {
  return { file, line };
}

/** The settings that a section of the file names, of those that are asked for. */
function layerOf<Key extends string>(
  document: ConfigDocument,
  at: ConfigPath,
  section: object | undefined,
  keys: readonly Key[],
): Layer<Key> {
  const layer = new Map<Key, Written>();
  for (const key of keys) {
    const [sections, last] = partsOf(key);
    let inner = section as Record<string, unknown> | undefined;
    for (const name of sections) inner = inner?.[name] as Record<string, unknown> | undefined;
    const value = inner?.[last];
    if (value === undefined) continue;
    const { file, key: place } = document.places.get(formatPath([...at, ...sections, last]))!;
    layer.set(key, { value, file, line: place.line });
  }
  return layer;
}

interface Layers {
  readonly own: Layer;
  readonly defaults: Layer;
  /** What stands at the file's top and holds for every route without a value of its own. */
  readonly file: Layer;
  readonly preset: PresetName | null;
  readonly timeouts: Timeouts;
}

function resolveRoute(route: OwnSettings, layers: Layers, broughtBy: string | null = null): ResolvedRoute {
  const { own, defaults, file, preset } = layers;
  const fromPreset: Partial<Record<SettingKey, unknown>> = preset === null ? {} : presets[preset].settings;
  const settings: Partial<Record<SettingKey, unknown>> = {};
  const sources: Partial<Record<SettingKey, Source>> = {};
  const overridden: { key: SettingKey; file: string; line: number }[] = [];
  for (const key of settingKeys) {
    const mine = own.get(key);
    const fallback = defaults.get(key);
    if (mine) {
      settings[key] = mine.value;
      sources[key] = { from: 'route', ...lineOf(mine) };
    } else if (preset !== null && fromPreset[key] !== undefined) {
      settings[key] = fromPreset[key];
      sources[key] = { from: 'preset', preset };
      if (fallback && fallback.value !== fromPreset[key]) overridden.push({ key, ...lineOf(fallback) });
    } else if (fallback) {
      settings[key] = fallback.value;
      sources[key] = { from: 'defaults', ...lineOf(fallback) };
    } else if (file.has(key)) {
      const written = file.get(key)!;
      settings[key] = written.value;
      sources[key] = { from: 'file', ...lineOf(written) };
    } else {
      settings[key] = builtIn[key];
      sources[key] = { from: 'built in' };
    }
  }
  const complete = settings as Settings;
  return {
    route: compileRoute(route, broughtBy ?? route.name, complete, layers.timeouts),
    preset,
    settings: complete,
    sources: sources as Record<SettingKey, Source>,
    broughtBy,
    overridden,
  };
}

function compileRoute(route: OwnSettings, label: string, settings: Settings, timeouts: Timeouts): Route {
  const compiled = {
    name: route.name,
    label,
    hosts: route['match.hosts'] ?? [],
    path: route['match.path'],
    upstream: route.upstream,
    preset: route.preset,
    origins: route.origins,
    requireOrigin: route.require_origin,
    identity: route.identity,
    auth: compileAuth(route.auth, route['match.path']),
    identityHeaders: { user: route['identity_headers.user'], groups: route['identity_headers.groups'] },
    access: {
      networks: { allow: route['access.networks.allow'], deny: route['access.networks.deny'] },
      hosts: { allow: route['access.hosts.allow'], deny: route['access.hosts.deny'] },
      methods: { allow: route['access.methods.allow'], deny: route['access.methods.deny'] },
    },
    rates: {
      handshakesPerAddress: route['rates.handshakes_per_address'] ?? reportedHandshakes(route.preset),
      requestsPerAddress: route['rates.requests_per_address'],
      handshakesPerUser: route['rates.handshakes_per_user'],
      requestsPerUser: route['rates.requests_per_user'],
    },
    validate: { client: compileValidation(route, 'client'), upstream: compileValidation(route, 'upstream') },
    ...nest(routeSettings, settings),
    timeouts,
  };
  return { ...compiled, fingerprint: fingerprintOf(compiled) };
}

/** A text that differs where anything of the route differs. JSON has no infinities, so they are words. */
function fingerprintOf(route: object): string {
  const text = JSON.stringify(route, (_, value) => (value === Number.POSITIVE_INFINITY ? 'infinity' : value));
  return createHash('sha256').update(text).digest('base64');
}
