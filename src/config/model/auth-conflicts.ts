/** Mistakes in `auth` that no single value shows. They are looked for in the values as they stand in the file. */
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigError, ConfigPath } from '../language/errors.ts';
import { listIn, mapping, writtenRoutes } from './as-written.ts';
import { serviceIn } from './auth-values.ts';
import { errorAt } from './explain.ts';

/** The kinds of credentials. */
const kinds = ['jwt', 'forward', 'basic', 'bearer', 'client_cert', 'header', 'jupyterhub'] as const;

/**
 * Entries with more or less than one kind, kinds that are never asked, keys from nowhere or two places, and headers
 * without anybody to name.
 */
export function authConflicts(document: ConfigDocument): ConfigError[] {
  return writtenRoutes(document).flatMap(({ at, route }) => [
    ...entriesOf(document, [...at, 'auth'], route.auth),
    ...namelessServices(document, at, route),
    ...namelessHeaders(document, at, route),
    ...ownHeaders(document, at, route),
  ]);
}

function entriesOf(document: ConfigDocument, at: ConfigPath, auth: unknown): ConfigError[] {
  if (!Array.isArray(auth)) return [];
  const errors: ConfigError[] = [];
  const seen = new Set<string>();
  for (const [i, entry] of auth.entries()) {
    const here = [...at, i];
    const found = kinds.filter((kind) => kind in mapping(entry));
    if (found.length !== 1 && Object.keys(mapping(entry)).every((key) => (kinds as readonly string[]).includes(key))) {
      const what = found.length === 0 ? 'has no kind' : `has ${found.length} kinds, ${found.join(' and ')}`;
      errors.push(errorAt(document, here, `${what}; write one kind in each entry: ${kinds.join(', ')}`));
      continue;
    }
    for (const kind of found) {
      if (seen.has('forward')) {
        const message = 'is never asked, because forward before it decides over every request; write forward last';
        errors.push(errorAt(document, [...here, kind], message, 'key'));
      } else if (seen.has(kind) && kind !== 'jwt') {
        errors.push(errorAt(document, [...here, kind], 'stands in an entry before too; write one', 'key'));
      }
      seen.add(kind);
      if (kind === 'jupyterhub') errors.push(...apiOf(document, [...here, kind, 'api_url'], mapping(entry).jupyterhub));
      if (kind === 'client_cert') errors.push(...certificateOf(document, [...here, kind]));
      if (kind === 'jwt') errors.push(...keysOf(document, [...here, kind], mapping(entry).jwt));
    }
  }
  return errors;
}

function keysOf(document: ConfigDocument, at: ConfigPath, value: unknown): ConfigError[] {
  const jwt = mapping(value);
  const count = Number(jwt.jwks !== undefined) + Number(jwt.jwks_file !== undefined);
  if (count === 1) return [];
  const what = count === 0 ? 'has no keys to verify tokens with' : 'has keys from two places';
  return [errorAt(document, at, `${what}; write either jwks: URL or jwks_file: PATH`, 'key')];
}

/** A client that is not asked for a certificate shows none. */
function certificateOf(document: ConfigDocument, at: ConfigPath): ConfigError[] {
  const { tls } = mapping(mapping(document.value).listen);
  if (mapping(tls).client_certificates !== undefined) return [];
  const message =
    'lets nobody in, because clients are asked for no certificate; set listen.tls.client_certificates.ca, or use header behind a proxy that speaks TLS';
  return [errorAt(document, at, message, 'key')];
}

/** From it follows where browsers find the hub and the service. */
function apiOf(document: ConfigDocument, at: ConfigPath, value: unknown): ConfigError[] {
  const { api_url: url } = mapping(value);
  if (typeof url !== 'string' || /\/hub\/api\/*$/.test(url)) return [];
  return [errorAt(document, at, `"${url}" does not end with /hub/api; write JUPYTERHUB_API_URL as the hub gives it`)];
}

/** The hub knows the service by its name, which the path of the route may say. */
function namelessServices(
  document: ConfigDocument,
  at: ConfigPath,
  route: Readonly<Record<string, unknown>>,
): ConfigError[] {
  const { path } = mapping(route.match);
  if (typeof path === 'string' && serviceIn(path) !== undefined) return [];
  return listIn(route.auth).flatMap((entry, i) => {
    const { jupyterhub } = mapping(entry);
    if (jupyterhub === undefined || mapping(jupyterhub).service !== undefined) return [];
    const message = 'is missing; write the name of the service at the hub, or match: {path: /services/NAME}';
    return [errorAt(document, [...at, 'auth', i, 'jupyterhub', 'service'], message)];
  });
}

function namelessHeaders(
  document: ConfigDocument,
  at: ConfigPath,
  route: Readonly<Record<string, unknown>>,
): ConfigError[] {
  if (route.identity_headers === undefined || route.auth !== undefined) return [];
  const message = 'names users, and nothing finds out who they are; add auth, or remove it';
  return [errorAt(document, [...at, 'identity_headers'], message, 'key')];
}

/** Lines that frame or route a message, or that Sluice writes itself: no service and no user may decide over them. */
const ownLine =
  /^(?:host|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|content-length|expect|upgrade|http2-settings|cookie|x-forwarded-(?:for|proto|host)|x-real-ip|x-scheme|sec-websocket-.*)$/;

/** What an answer of the backend says of itself. */
const framesAnswer = /^(?:content-.*|location|date|etag|last-modified|status)$/;

/** The key of a token's places. */
const tokenPlaces = 'from';

function ownHeaders(document: ConfigDocument, at: ConfigPath, route: Readonly<Record<string, unknown>>): ConfigError[] {
  const headers = Object.entries(mapping(route.identity_headers)).map(
    ([key, name]) => [[...at, 'identity_headers', key], name] as const,
  );
  const answers = listIn(route.auth).flatMap((entry, i) =>
    listIn(mapping(mapping(entry).forward).response_headers).map(
      (name, j) => [[...at, 'auth', i, 'forward', 'response_headers', j], name] as const,
    ),
  );
  const toClient = listIn(route.auth).flatMap((entry, i) =>
    listIn(mapping(mapping(entry).forward).client_headers).flatMap((name, j) => {
      if (typeof name !== 'string' || !(ownLine.test(foldName(name)) || framesAnswer.test(foldName(name)))) return [];
      const message = `"${name}" is a header that frames or describes the answer; write Set-Cookie, or another of the service's own`;
      return [errorAt(document, [...at, 'auth', i, 'forward', 'client_headers', j], message)];
    }),
  );
  const asked = listIn(route.auth).flatMap((entry, i) =>
    listIn(mapping(mapping(entry).forward).request_headers).flatMap((name, j) => {
      const told = typeof name === 'string' && /^x-forwarded-(?:method|uri)$/.test(foldName(name));
      const isOwn = typeof name === 'string' && foldName(name) !== 'cookie' && ownLine.test(foldName(name));
      if (!told && !isOwn) return [];
      const message = `"${name}" is a header that Sluice writes itself, and clients could say it too; write those that hold credentials`;
      return [errorAt(document, [...at, 'auth', i, 'forward', 'request_headers', j], message)];
    }),
  );
  const tokens = listIn(route.auth).flatMap((entry, i) =>
    listIn(mapping(mapping(entry).jwt)[tokenPlaces]).flatMap((place, j) => {
      const { header } = mapping(place);
      if (typeof header !== 'string' || foldName(header) !== 'authorization') return [];
      const message = `"${header}" is read as \`Authorization: Bearer\`; write authorization instead of the mapping`;
      return [errorAt(document, [...at, 'auth', i, 'jwt', tokenPlaces, j, 'header'], message)];
    }),
  );
  const own = [...headers, ...answers].flatMap(([path, name]) => {
    if (typeof name !== 'string' || !ownLine.test(foldName(name))) return [];
    const message = `"${name}" is a header that frames or routes a request; write X-Forwarded-User, or another of your own`;
    return [errorAt(document, path, message)];
  });
  return [...own, ...toClient, ...asked, ...tokens];
}

/** As CGI reads names: `X_User` and `X-User` are one. */
function foldName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
}
