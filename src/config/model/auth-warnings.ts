/** What is valid in `auth`, and still likely to let somebody in or keep everybody out. */
import { isLocal } from '../language/addresses.ts';
import { formatDuration } from '../language/format.ts';
import { type Auth, type Route, type ServiceTarget, serviceOf, type TokenPlace } from '../types.ts';
import type { Resolved } from './resolved.ts';

/** As long as Keycloak and others let an access token live: a user who signs out shall not stay in for longer. */
const usualTokenMs = 5 * 60_000;

/** Every such thing about a route, as sentences. */
export function authWarnings(route: Route, listen: Resolved['listen']): string[] {
  if (route.auth === null) return [];
  return [
    ...inTheClear(listen),
    ...openOrigins(route),
    ...neverAsked(route.auth),
    ...route.auth.flatMap((entry) => [
      ...servicesInTheClear(entry),
      ...longCache(entry),
      ...nobodysHeader(entry, listen),
    ]),
  ];
}

/** With a proxy in front it is that one which speaks TLS. */
function inTheClear({ tls, trustedProxies, address }: Resolved['listen']): string[] {
  if (tls !== null || trustedProxies.length > 0 || isLocal(address)) return [];
  return [
    'auth asks for credentials, and there is no TLS in front: everybody on the way can read and use them. Set listen.tls, or ' +
      'name the proxy that speaks TLS in listen.trusted_proxies.',
  ];
}

/** Browsers send some credentials by themselves, for whatever page asks them to. */
function openOrigins({ auth, origins }: Route): string[] {
  const ambient = auth!.find(isAmbient);
  if (origins !== null || ambient === undefined) return [];
  return [
    `auth.${ambient.kind} takes what browsers send by themselves, and origins is missing: any page that a signed-in user visits can open ` +
      'a WebSocket here as that user. Write the origins of your own pages.',
  ];
}

function isAmbient(entry: Auth): boolean {
  if (entry.kind === 'jwt') return entry.from.some((place) => place.in === 'cookie');
  if (entry.kind === 'forward') return entry.requestHeaders.includes('cookie');
  return ['basic', 'client_cert', 'header', 'jupyterhub'].includes(entry.kind);
}

/**
 * Kinds that are never asked: another one before them looks in the same places. `jwt` leaves to others what has not the
 * form of a JWT.
 */
function neverAsked(auth: readonly Auth[]): string[] {
  const taken = new Set<string>();
  return auth.flatMap((entry) => {
    const places = placesOf(entry);
    const isDead = places.length > 0 && places.every((place) => taken.has(place));
    for (const place of places) taken.add(place);
    // Every token, and so those of `jwt` too.
    if (entry.kind === 'bearer' || entry.kind === 'jupyterhub') taken.add(placeName({ in: 'authorization' }));
    if (!isDead) return [];
    const remedy =
      entry.kind === 'jwt' ? 'Write another place in from, or jwt before bearer and jupyterhub.' : 'Write one of them.';
    return [
      `auth.${entry.kind} is never asked, because an entry before it takes every token that stands where it looks. ${remedy}`,
    ];
  });
}

/** Where a kind finds tokens that another may find there too. */
function placesOf(entry: Auth): string[] {
  if (entry.kind === 'jwt') return entry.from.map(placeName);
  return entry.kind === 'bearer' ? ['static token'] : entry.kind === 'jupyterhub' ? ['static token', 'session'] : [];
}

function placeName(place: TokenPlace): string {
  return 'name' in place ? `${place.in} ${place.name}` : place.in;
}

function servicesInTheClear(entry: Auth): string[] {
  const service = serviceOf(entry);
  if (service === null || (entry.kind === 'jwt' ? isOwn(service) : isSafe(service))) return [];
  const what =
    entry.kind === 'jwt'
      ? 'auth.jwt.jwks fetches keys over http: whoever stands in between can put in a key of their own, and sign tokens for anybody.'
      : `auth.${entry.kind} sends credentials over http: whoever stands in between can use them, or let anybody in.`;
  return [`${what} Write https.`];
}

/** Nobody stands in between. */
function isOwn({ target: { protocol, host } }: ServiceTarget): boolean {
  return protocol === 'https:' || host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Names of a cluster and single labels never leave its network. */
function isSafe(service: ServiceTarget): boolean {
  const { host } = service.target;
  return isOwn(service) || !host.includes('.') || /\.(?:svc|local|internal|localhost)$/.test(host);
}

function longCache(entry: Auth): string[] {
  if (entry.kind !== 'forward' && entry.kind !== 'jupyterhub') return [];
  const { kind, cacheMs, recheckMs } = entry;
  if (cacheMs <= usualTokenMs) return [];
  const than = `longer than a usual token lives (${formatDuration(usualTokenMs)})`;
  const recheck = recheckMs > 0 ? ', whatever recheck finds about open connections' : '';
  return [
    `auth.${kind}.cache ${formatDuration(cacheMs)} is ${than}: a user who signs out, or is shut out, comes in for as long${recheck}. Write ${kind === 'forward' ? '5s' : '1m'}.`,
  ];
}

function nobodysHeader(entry: Auth, { trustedProxies, address }: Resolved['listen']): string[] {
  if (entry.kind !== 'header' || trustedProxies.length > 0 || address.kind === 'unix') return [];
  return [
    'auth.header counts only from listen.trusted_proxies, which is empty: nobody is let in by it. Name the network of the proxy ' +
      'that signs users in.',
  ];
}
