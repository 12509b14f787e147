/**
 * From the file's values to what holds: each setting of a route comes from the route itself, its preset, `defaults`,
 * the file's top or what is built in, in this order, and remembers which.
 */
import { createHash } from 'node:crypto';
import { parseListenAddress } from '../language/addresses.ts';
import type { ConfigDocument } from '../language/document.ts';
import { type ConfigPath, formatPath } from '../language/errors.ts';
import type { Config, ListenAddress, Route, Sender, SenderLimits, Timeouts } from '../types.ts';
import { patternKeys, roomsName, roomsPattern } from './conflicts.ts';
import { type PresetName, presets } from './presets.ts';
import type { ParsedConfig, ParsedRoute } from './schema.ts';
import {
  builtIn,
  builtInAnnounceMs,
  builtInIpv6Prefix,
  builtInLog,
  builtInTimeouts,
  type SettingKey,
  type Settings,
  settingKeys,
} from './settings.ts';

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
  readonly timeouts: Timeouts;
  readonly routes: readonly ResolvedRoute[];
  /** By path in the file, such as `timeouts.connect`. */
  readonly sources: ReadonlyMap<string, Source>;
}

/** Some settings, each with its place. */
type Layer = ReadonlyMap<SettingKey, { readonly value: unknown; readonly file: string; readonly line: number }>;

/** Resolves a valid configuration; `files` are the files it stands in. */
export function resolve(document: ConfigDocument, parsed: ParsedConfig, files: readonly string[]): Resolved {
  const sources = new Map<string, Source>();
  const top = <T>(path: string, value: T | undefined, otherwise: T): T => {
    const place = document.places.get(path);
    sources.set(path, value === undefined || !place ? { from: 'built in' } : { from: 'file', ...lineOf(place) });
    return value === undefined ? otherwise : value;
  };
  const timeouts: Timeouts = {
    connectMs: top('timeouts.connect', parsed.timeouts?.connect, builtInTimeouts.connect),
    headersMs: top('timeouts.headers', parsed.timeouts?.headers, builtInTimeouts.headers),
    handshakeMs: top('timeouts.handshake', parsed.timeouts?.handshake, builtInTimeouts.handshake),
    closeMs: top('timeouts.close', parsed.timeouts?.close, builtInTimeouts.close),
  };
  const defaults = layerOf(document, ['defaults'], parsed.defaults);
  const file = layerOf(document, [], { drain: parsed.drain });
  const written = new Set(parsed.routes.flatMap((route) => patternKeys(route.match?.hosts ?? [], pathOf(route))));
  const routes = parsed.routes.flatMap((route, i) => {
    const own = layerOf(document, ['routes', i], route);
    const resolved = resolveRoute(route, { own, defaults, file, preset: route.preset ?? null, timeouts });
    const rooms = route.preset === 'jupyter' ? roomsOf(route, written) : null;
    if (rooms === null) return [resolved];
    const inherited = new Map(own);
    for (const key of ownedByRooms) inherited.delete(key);
    return [
      resolved,
      resolveRoute(rooms, { own: inherited, defaults, file, preset: 'jupyter-collaboration', timeouts }, route.name),
    ];
  });
  return {
    files,
    listen: {
      address: top('listen.address', parsed.listen?.address, tcp('0.0.0.0:8080')),
      tls: top('listen.tls', parsed.listen?.tls, null),
      trustedProxies: top('listen.trusted_proxies', parsed.listen?.trusted_proxies, []),
      ipv6Prefix: top('listen.ipv6_prefix', parsed.listen?.ipv6_prefix, builtInIpv6Prefix),
    },
    admin: {
      address: top('admin.address', parsed.admin?.address, tcp('127.0.0.1:9090')),
      tokenFile: top('admin.token_file', parsed.admin?.token_file, null),
    },
    memory: { maxBufferedBytes: top('memory.max_buffered', parsed.memory?.max_buffered, null) },
    log: {
      level: top('log.level', parsed.log?.level, builtInLog.level),
      open: top('log.open', parsed.log?.open, builtInLog.open),
      end: top('log.end', parsed.log?.end, builtInLog.end),
      maxRate: top('log.max_rate', parsed.log?.max_rate, builtInLog.maxRate),
      user: top('log.user', parsed.log?.user, builtInLog.user),
    },
    drain: { announceMs: top('drain.announce', parsed.drain?.announce, builtInAnnounceMs) },
    revokedUsers: null,
    timeouts,
    routes,
    sources,
  };
}

/** What a room does not take from the route above it: that is the reason why it is a route of its own. */
const ownedByRooms: readonly SettingKey[] = ['limits.client.max_message_size', 'limits.client.max_frame_size'];

/** The route for the rooms below a Jupyter route, on the hosts where the file has none of its own. */
function roomsOf(route: ParsedRoute, written: ReadonlySet<string>): ParsedRoute | null {
  const path = roomsPattern(pathOf(route));
  const free = (hosts: readonly string[]) => patternKeys(hosts, path).every((key) => !written.has(key));
  const hosts = route.match?.hosts;
  const left = hosts?.filter((host) => free([host]));
  if (left === undefined ? !free([]) : left.length === 0) return null;
  return { ...route, name: roomsName(route.name), preset: 'jupyter-collaboration', match: { hosts: left, path } };
}

function lineOf({ file, line }: { readonly file: string; readonly line: number }) {
  return { file, line };
}

function pathOf(route: ParsedRoute): string {
  return route.match?.path ?? '/';
}

function tcp(address: string): ListenAddress {
  const parsed = parseListenAddress(address);
  if ('value' in parsed) return parsed.value;
  throw new Error(`the built-in address ${address} does not parse`);
}

/** Flattens a route or `defaults` to the settings it names. */
function layerOf(document: ConfigDocument, at: ConfigPath, section: object | undefined): Layer {
  const layer = new Map<SettingKey, { value: unknown; file: string; line: number }>();
  for (const key of settingKeys) {
    const path = key.split('.');
    let value: unknown = section;
    for (const part of path) value = (value as Record<string, unknown> | undefined)?.[part];
    if (value === undefined) continue;
    const { file, key: place } = document.places.get(formatPath([...at, ...path]))!;
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

function resolveRoute(route: ParsedRoute, layers: Layers, broughtBy: string | null = null): ResolvedRoute {
  const { own, defaults, file, preset } = layers;
  const fromPreset: Partial<Settings> = preset === null ? {} : presets[preset].settings;
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
    route: compileRoute(route, broughtBy ?? route.name, complete, layers),
    preset,
    settings: complete,
    sources: sources as Record<SettingKey, Source>,
    broughtBy,
    overridden,
  };
}

function compileRoute(route: ParsedRoute, label: string, settings: Settings, { preset, timeouts }: Layers): Route {
  const compiled = {
    name: route.name,
    label,
    hosts: route.match?.hosts ?? [],
    path: pathOf(route),
    upstream: route.upstream,
    upstreamTls: {
      ca: settings['upstream_tls.ca'],
      serverName: settings['upstream_tls.server_name'],
      clientCert: settings['upstream_tls.client_cert'],
      clientKey: settings['upstream_tls.client_key'],
      insecureSkipVerify: settings['upstream_tls.insecure_skip_verify'],
    },
    preset,
    origins: route.origins ?? null,
    requireOrigin: route.require_origin ?? false,
    identity: route.identity ?? null,
    auth: null,
    identityHeaders: { user: null, groups: null },
    limits: {
      mode: settings['limits.mode'],
      client: compileSender(settings, 'client'),
      upstream: compileSender(settings, 'upstream'),
    },
    connections: {
      max: settings['limits.connections.max'],
      maxPerAddress: settings['limits.connections.max_per_address'],
    },
    ping: {
      clientMs: settings['ping.client'],
      upstreamMs: settings['ping.upstream'],
      timeoutMs: settings['ping.timeout'],
    },
    idleTimeoutMs: settings.idle_timeout,
    maxLifetimeMs: settings.max_lifetime,
    drain: {
      close: settings['drain.close'],
      protect: settings['drain.protect'],
      spreadMs: settings['drain.spread'],
      deadlineMs: settings['drain.deadline'],
    },
    http: {
      maxBodyBytes: settings['http.max_body_size'],
      inactivityMs: settings['http.inactivity'],
      maxUpstreamConnections: settings['http.max_upstream_connections'],
    },
    timeouts,
  };
  return { ...compiled, fingerprint: fingerprintOf(compiled) };
}

/** JSON has no infinities. */
function fingerprintOf(route: object): string {
  const text = JSON.stringify(route, (_, value) => (value === Number.POSITIVE_INFINITY ? 'infinity' : value));
  return createHash('sha256').update(text).digest('base64');
}

function compileSender(settings: Settings, sender: Sender): SenderLimits {
  return {
    maxMessageBytes: settings[`limits.${sender}.max_message_size`],
    maxFrameBytes: settings[`limits.${sender}.max_frame_size`],
    maxFragments: settings[`limits.${sender}.max_fragments`],
    messageTimeoutMs: settings[`limits.${sender}.message_timeout`],
    messageRate: settings[`limits.${sender}.max_message_rate`],
    byteRate: settings[`limits.${sender}.max_byte_rate`],
    controlRate: settings[`limits.${sender}.max_control_rate`],
    maxBufferBytes: settings[`limits.${sender}.max_buffer_size`],
    maxQueue: settings[`limits.${sender}.max_queue`],
    maxPauseMs: settings[`limits.${sender}.max_pause`],
  };
}
