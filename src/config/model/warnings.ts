/**
 * What is valid and still likely to hurt, given what is known of the backends. Each warning says what to change, and
 * where a backend must be raised too, the very setting.
 */
import { formatDuration, formatSize } from '../language/format.ts';
import { authWarnings } from './auth-warnings.ts';
import { accessWarnings, proxyProtocolWarnings, quotaWarnings, rateWarnings, userWarnings } from './edge-warnings.ts';
import { formatSource, type NamePlace, placeNamer } from './place-names.ts';
import { presets } from './presets.ts';
import type { Resolved, ResolvedRoute } from './resolved.ts';
import { formatSetting, type SettingKey, settingKeys } from './route-settings.ts';

/** One warning. */
export interface Warning {
  /** The names of the routes, or the key at the file's top. */
  readonly subject: string;
  readonly message: string;
  /** To copy: one line for each backend setting. */
  readonly settings: readonly string[];
}

const KiB = 1024;
/** Panel's FileDropper sends chunks of this size, raw, one message each. */
const fileDropperChunk = 10_000_000;
/** Browsers and servers that fragment use frames of this size or more. */
const usualFragment = 64 * KiB;

/** What a download in HTTP/1.0 counts, and the buffer that one at full speed reads into, for a few of each. */
const usableBuffers = 1024 * KiB;

/** So long before a deadline clients are told why they go. */
const goodbyeMs = 1000;

/** So many routes are named of those for which the same holds. */
const mostNamed = 10;

/** All warnings of a configuration, route by route, and then of the templates of routes that a program sets. */
export function findWarnings(resolved: Resolved): Warning[] {
  const nameOf = placeNamer(resolved.files);
  const { announceMs } = resolved.drain;
  const judged = [...resolved.routes, ...resolved.templates].map((route) => ({
    ...route,
    nameOf,
    announceMs,
    listen: resolved.listen,
  }));
  const proxyProtocol = proxyProtocolWarnings(resolved.listen).map((message) => ({
    subject: 'listen.proxy_protocol',
    message,
    settings: [],
  }));
  const quotas = quotaWarnings(resolved.quotas).map((message) => ({ subject: 'quotas.store', message, settings: [] }));
  return [
    ...trustedProxies(resolved),
    ...littleMemory(resolved),
    ...proxyProtocol,
    ...quotas,
    ...toldOnce(judged.flatMap(routeWarnings)),
  ];
}

/** What holds for several routes is said once, and names them. */
function toldOnce(warnings: readonly Warning[]): Warning[] {
  const alike = Map.groupBy(warnings, ({ message, settings }) => JSON.stringify([message, settings]));
  return [...alike.values()].map((all) => {
    const names = all.slice(0, mostNamed).map(({ subject }) => subject);
    const more = all.length > mostNamed ? ` and ${all.length - mostNamed} more` : '';
    return { ...all[0]!, subject: `${names.join(', ')}${more}` };
  });
}

/** A route, and how its places are told. */
interface JudgedRoute extends ResolvedRoute {
  readonly nameOf: NamePlace;
  /** How long a drain goes on accepting. */
  readonly announceMs: number;
  readonly listen: Resolved['listen'];
}

function trustedProxies({ listen }: Resolved): Warning[] {
  if (listen.trustedProxies.length > 0) return [];
  // A PROXY protocol header names the client, and whoever speaks TLS knows the scheme.
  const seen = [
    ...(listen.proxyProtocol.length > 0 ? [] : ['its address']),
    ...(listen.tls === null ? ['http instead of https, which breaks OAuth redirects'] : []),
  ];
  if (seen.length === 0) return [];
  const message =
    'is empty, so X-Forwarded-* headers of an ingress or load balancer are ignored: backends see ' +
    `${seen.join(' and ')}. Name its network, unless clients connect directly.`;
  return [{ subject: 'listen.trusted_proxies', message, settings: [] }];
}

function littleMemory({ memory }: Resolved): Warning[] {
  const { maxBufferedBytes: bytes } = memory;
  if (bytes === null || bytes >= usableBuffers) return [];
  const message = `is ${formatSize(bytes)}, in which a few requests have no room: they get 503 or end with 1013. Write at least 1MiB.`;
  return [{ subject: 'memory.max_buffered', message, settings: [] }];
}

function routeWarnings(route: JudgedRoute): Warning[] {
  // What the preset's second route inherits has been said of the first.
  if (route.broughtBy !== null) return fewFragments(route);
  return [
    ...aboveBackend(route),
    ...fileDropper(route),
    ...hastyPause(route),
    ...fewFragments(route),
    ...upstreamPings(route),
    ...hurriedDrain(route),
    ...unverified(route),
    ...uselessTls(route),
    ...accessWarnings(route.route, route.listen).map((message) => warn(route, message)),
    ...rateWarnings({ ...route.route, preset: route.preset }, route.listen).map((message) => warn(route, message)),
    ...userWarnings(route.route).map((message) => warn(route, message)),
    ...authWarnings(route.route, route.listen).map((message) => warn(route, message)),
    ...overriddenDefaults(route),
  ];
}

function aboveBackend(route: JudgedRoute): Warning[] {
  const limit = route.settings['limits.client.max_message_size'];
  if (route.preset === null) return [];
  const { maxMessageBytes, raise } = presets[route.preset].limit;
  if (limit <= maxMessageBytes) return [];
  const where = `${setting(route, 'limits.client.max_message_size')} is above the backend's own ${formatSize(maxMessageBytes)}`;
  const race = 'whose refusal browsers often see as 1006';
  if (raise === null) return [warn(route, `${where}, ${race}, and which no setting raises.`)];
  const finite = Number.isFinite(limit);
  const ways = raise(finite ? limit : 'BYTES');
  const how = ways.length > 1 ? ', in one of these ways:' : ':';
  const remedy = finite ? `Raise it there too${how}` : `Write a size here, and raise the backend to it${how}`;
  return [warn(route, `${where}, ${race}. ${remedy}`, ways), ...smallReadBuffer(route)];
}

function smallReadBuffer(route: JudgedRoute): Warning[] {
  const limit = route.settings['limits.client.max_message_size'];
  const readBuffer = route.preset === null ? null : presets[route.preset].limit.readBuffer;
  if (readBuffer === null || limit <= readBuffer.bytes || !Number.isFinite(limit)) return [];
  const message =
    `a program that sends one frame of more than ${formatSize(readBuffer.bytes)} outgrows the backend's read buffer, and loses its ` +
    'connection without a close frame. Browsers send small frames and need no change; for such programs:';
  // The buffer holds the frame and what comes behind it in the same reads.
  return [warn(route, message, [readBuffer.raise(2 * limit)])];
}

function fileDropper(route: JudgedRoute): Warning[] {
  const limit = route.settings['limits.client.max_message_size'];
  if (route.preset === null || presets[route.preset].files !== 'panel' || limit >= fileDropperChunk) return [];
  const message = `is below the chunks of FileDropper (${fileDropperChunk} bytes), which breaks it. Write 10MB or more.`;
  return [warn(route, `${setting(route, 'limits.client.max_message_size')} ${message}`)];
}

/** A `max_pause` that is shorter than the backend's patience loses clients that would live directly. */
function hastyPause(route: JudgedRoute): Warning[] {
  if (route.preset === null) return [];
  const { stuckMs } = presets[route.preset].bears;
  const usual = presets[route.preset].settings['limits.upstream.max_pause']!;
  const pause = route.settings['limits.upstream.max_pause'];
  if (pause === 0 || pause >= (stuckMs ?? usual)) return [];
  const patience = stuckMs === null ? 'which waits for ever' : `which waits for ${formatDuration(stuckMs)}`;
  const message =
    `is shorter than the backend's own patience with a client that takes nothing, ${patience}: a page that sleeps in ` +
    `between is lost here and would not be lost directly. Leave it out for ${formatDuration(usual)}.`;
  return [warn(route, `${setting(route, 'limits.upstream.max_pause')} ${message}`)];
}

function fewFragments(route: JudgedRoute): Warning[] {
  return (['client', 'upstream'] as const).flatMap((sender) => {
    const size = route.settings[`limits.${sender}.max_message_size`];
    const needed = Math.ceil(size / usualFragment);
    if (!Number.isFinite(size) || route.settings[`limits.${sender}.max_fragments`] >= needed) return [];
    const message =
      `is too few for messages of ${formatSize(size)} in fragments of 64KiB, so some end with 1008 before ` +
      `max_message_size is reached. Write ${needed} or more.`;
    return [warn(route, `${setting(route, `limits.${sender}.max_fragments`)} ${message}`)];
  });
}

function upstreamPings(route: JudgedRoute): Warning[] {
  if (route.preset === null || !presets[route.preset].pingIsActivity || route.settings['ping.upstream'] === 0)
    return [];
  const message =
    'makes idle servers look busy: JupyterHub and jupyter-server-proxy count a ping as activity, so forgotten ' +
    'notebooks are never culled. Write off; TCP keepalive watches that side.';
  return [warn(route, `${setting(route, 'ping.upstream')} ${message}`)];
}

/** A drain's deadline may come before the drain has done what it is told to. */
function hurriedDrain(route: JudgedRoute): Warning[] {
  const { drain, timeouts } = route.route;
  const spreads = drain.close === 'spread';
  const neededMs = route.announceMs + (spreads ? drain.spreadMs + timeouts.closeMs : goodbyeMs);
  if (drain.deadlineMs >= neededMs) return [];
  const announce = `drain.announce (${formatDuration(route.announceMs)})`;
  const message = spreads
    ? `is over before ${announce}, drain.spread (${formatDuration(drain.spreadMs)}) and the last goodbye ` +
      `(timeouts.close, ${formatDuration(timeouts.closeMs)}) are: connections are closed in a shorter time, more of them at once.`
    : `is over before ${announce} is, so nobody is waited for.`;
  const remedy = `Write ${formatDuration(neededMs)} or more, and let whatever ends Sluice by force wait longer.`;
  return [warn(route, `${setting(route, 'drain.deadline')} ${message} ${remedy}`)];
}

function unverified(route: JudgedRoute): Warning[] {
  if (!route.settings['upstream_tls.insecure_skip_verify'] || route.route.upstream.protocol === 'http:') return [];
  const message =
    'takes any certificate: whoever stands between Sluice and the backend can read and change everything. Name the ' +
    "authority of the backend's certificate in upstream_tls.ca, or that very certificate, and leave this out.";
  return [warn(route, `${setting(route, 'upstream_tls.insecure_skip_verify')} ${message}`)];
}

/**
 * `upstream_tls` of a route does nothing for a backend that speaks plain HTTP. In `defaults` it may be for other
 * routes.
 */
function uselessTls(route: JudgedRoute): Warning[] {
  if (route.route.upstream.protocol === 'https:') return [];
  const key = settingKeys.find((name) => name.startsWith('upstream_tls.') && route.sources[name].from === 'route');
  if (key === undefined) return [];
  const https = route.route.upstream.href.replace(/^http:/, 'https:');
  return [
    warn(route, `${setting(route, key)} does nothing: upstream speaks plain HTTP. Write ${https}, or remove it.`),
  ];
}

function overriddenDefaults(route: JudgedRoute): Warning[] {
  return route.overridden.map(({ key, ...place }) => {
    const value = formatSetting(key, route.settings[key]);
    return warn(
      route,
      `defaults.${key} (${route.nameOf(place)}) does not hold here: preset ${route.preset} sets ${value}. Write it in the route to override the preset.`,
    );
  });
}

function warn(route: JudgedRoute, message: string, settings: readonly string[] = []): Warning {
  return { subject: route.route.name, message, settings };
}

/** A setting with its value and place: `limits.client.max_message_size 150MiB (line 14)`. */
function setting(route: JudgedRoute, key: SettingKey): string {
  return `${key} ${formatSetting(key, route.settings[key])} (${formatSource(route.sources[key], route.nameOf)})`;
}
