/** Addresses, URLs, origins, hosts and path patterns. Answers like `units.ts`: a value, or the rest of a sentence. */

import type { ListenAddress, PairPaths, StoreTarget, UpstreamTarget } from '../types.ts';
import * as patterns from './patterns.ts';
import type { Result } from './result.ts';
import { scalarText } from './units.ts';

const ipv4 = whole(patterns.ipv4);
const ipv6 = whole(patterns.ipv6);
const hostname = whole(patterns.hostname);
const nameNotNumbers = new RegExp(patterns.nameNotNumbers);
const listenPort = whole(patterns.listenPort);
const method = whole(patterns.method);
const socketPath = whole(patterns.socketPath);
const socketUrl = whole(patterns.socketUrl);
const database = whole(patterns.database);

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** Splits `host:port` and `[::1]:port`; the host comes without brackets. */
function splitHostPort(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:/[\]\s]+)):(\d{1,5})$/.exec(text);
  if (!match || !listenPort.test(match[3]!)) return null;
  const host = (match[1] ?? match[2]!).toLowerCase();
  if (match[1] === undefined ? !isHost(host) : !ipv6.test(host)) return null;
  return { host, port: Number(match[3]) };
}

/** A name, or an IPv4 address. */
function isHost(host: string): boolean {
  if (!nameNotNumbers.test(host)) return ipv4.test(host);
  return host.length <= patterns.longestHostname && hostname.test(host);
}

/** Parses `0.0.0.0:8080`, `[::]:8080`, `localhost:8080` or `unix:/run/sluice.sock`. Port 0 takes a free one. */
export function parseListenAddress(value: unknown): Result<ListenAddress> {
  if (typeof value === 'string') {
    if (value.startsWith('unix:')) {
      const path = value.slice(5);
      if (socketPath.test(path)) return { value: { kind: 'unix', path } };
      return {
        problem: 'is not a socket path; write unix:/run/sluice.sock (absolute, in ASCII, under 108 bytes)',
      };
    }
    const tcp = splitHostPort(value);
    if (tcp) return { value: { kind: 'tcp', ...tcp } };
  }
  const port = /^:?(\d{1,5})$/.exec(scalarText(value))?.[1] ?? '8080';
  return {
    problem: `is not an address; write 0.0.0.0:${port}, 127.0.0.1:${port}, [::]:${port} or unix:/run/sluice.sock`,
  };
}

/** Whether only programs on the same machine reach it. A name may resolve to anything, but for `localhost`. */
export function isLocal(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true;
  const { host } = address;
  return host === 'localhost' || host === '::1' || (ipv4.test(host) && host.startsWith('127.'));
}

/** The listen address as `parseListenAddress` reads it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${ipv6.test(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Parses `http://host:port`; the path belongs to the client and is never changed, so none is allowed here. */
export function parseUpstream(value: unknown): Result<UpstreamTarget> {
  const example = 'write http://host:port';
  // What other proxies call a pool.
  if (Array.isArray(value)) {
    return { problem: 'is a list, and a route has one backend; write that of a Service or balancer before them' };
  }
  if (typeof value !== 'string') return { problem: `is not the URL of a backend; ${example}` };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  const [, authority = '', rest = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/is.exec(value) ?? [];
  if (authority.includes('@')) return { problem: `holds a user or password, which would reach the log; ${example}` };
  if (scheme === 'ws' || scheme === 'wss') {
    return { problem: `has the scheme ${scheme}; write ${scheme === 'ws' ? 'http' : 'https'}://${authority}` };
  }
  if (scheme !== 'http' && scheme !== 'https') return { problem: `is not the URL of a backend; ${example}` };
  if (rest !== '' && rest !== '/') {
    return {
      problem: `has a path; set --prefix or base_url on the backend instead, and write ${scheme}://${authority}`,
    };
  }
  const port = scheme === 'http' ? 80 : 443;
  const target = splitHostPort(authority) ?? splitHostPort(`${authority}:${port}`);
  if (!target || target.port === 0) return { problem: `is not the URL of a backend; ${example}` };
  return { value: { protocol: `${scheme}:`, ...target, href: value } };
}

/** Parses `redis://host:port` or `rediss://host:port`, with or without the number of a database behind it. */
export function parseStore(value: unknown): Result<StoreTarget> {
  const example = 'write redis://host:6379, or rediss://host:6379 for TLS';
  const match = typeof value === 'string' ? /^(rediss?):\/\/([^/?#]*)(?:\/(.*))?$/is.exec(value) : null;
  if (match === null) return { problem: `is not the URL of a store; ${example}` };
  const [, scheme = '', authority = '', number = ''] = match;
  if (authority.includes('@')) {
    return {
      problem: `holds a user or password, which would reach the log; ${example}, with quotas.username and quotas.password_file`,
    };
  }
  if (number !== '' && !database.test(number)) {
    return { problem: `has no number of a database behind the host; ${example}, and /2 behind it where it is not 0` };
  }
  const at = splitHostPort(authority) ?? splitHostPort(`${authority}:6379`);
  if (!at || at.port === 0) return { problem: `is not the URL of a store; ${example}` };
  const isSecure = scheme.toLowerCase() === 'rediss';
  const target = { protocol: isSecure ? 'https:' : 'http:', ...at, href: value as string } as const;
  return { value: { target, database: Number(number) } };
}

/** Parses `https://apps.example.org` to the form in which browsers send it: lower case, without the default port. */
export function parseOrigin(value: unknown): Result<string> {
  const example = 'write https://apps.example.org';
  if (value === '*') return { problem: 'is not an origin; leave origins out to admit every origin' };
  if (value === 'null') return { problem: `would admit every sandboxed page; ${example}` };
  const match = typeof value === 'string' ? /^(https?):\/\/([^/?#@]+)(\/.*)?$/i.exec(value) : null;
  if (!match) return { problem: `is not an origin; ${example}` };
  const scheme = match[1]!.toLowerCase();
  const authority = match[2]!.toLowerCase();
  if (match[3] !== undefined) return { problem: `has a path, which no origin has; write ${scheme}://${authority}` };
  if (authority.includes('*')) return { problem: `is a pattern, and origins are exact; ${example}` };
  const port = scheme === 'http' ? 80 : 443;
  const origin = `${scheme}://${authority}`;
  // A name that ends in a number is a broken IPv4 address to browsers (URL Standard, 3.5). They have no URL for bad
  // Punycode either; that is left to match nothing, because no expression of the schema could tell it.
  const url = URL.parse(origin) ?? (/(\/|[.])xn--/.test(origin) ? { origin } : null);
  if (url === null || (!splitHostPort(authority) && !splitHostPort(`${authority}:${port}`)))
    return { problem: `is not an origin; ${example}` };
  return { value: url.origin };
}

/** Parses a network such as `10.0.0.0/8`, or one address. */
export function parseNetwork(value: unknown): Result<string> {
  const problem = 'is not a network; write 10.0.0.0/8, fd00::/8 or one address';
  if (typeof value !== 'string') return { problem };
  const [address = '', bits, ...more] = value.split('/');
  const most = ipv4.test(address) ? 32 : ipv6.test(address) ? 128 : 0;
  if (most === 0 || more.length > 0) return { problem };
  if (bits === undefined) return { value: address.toLowerCase() };
  if (!whole(patterns.upTo(most)).test(bits)) {
    return { problem: `has no valid prefix length; write ${address}/ and a number from 0 to ${most}` };
  }
  return { value: `${address.toLowerCase()}/${bits}` };
}

/** Parses where the targets of an API's routes may be: a network, or `unix:` and a folder of sockets. */
export function parseTargets(value: unknown): Result<string> {
  if (typeof value !== 'string' || !value.startsWith('unix:')) return parseNetwork(value);
  if (socketPath.test(value.slice(5))) return { value: value.replace(/(.)\/$/, '$1') };
  return { problem: 'is not a folder of sockets; write unix:/run/servers (absolute, in ASCII)' };
}

/** Parses `http://host:port/path`: a place that Sluice itself asks. */
export function parseUrl(value: unknown): Result<string> {
  const problem = 'is not a URL; write http://host:port/path, without user, query and fragment';
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return { problem };
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return { problem };
  return { value: url.href.replace(/\/$/, '') };
}

/** The same, or `http+unix://%2Frun%2Fhub.sock/path` on a unix socket; JupyterHub writes `unix+http` for that. */
export function parseUrlOrSocket(value: unknown): Result<string> {
  if (typeof value !== 'string' || !/^(?:http\+unix|unix\+http):/i.test(value)) return parseUrl(value);
  if (socketUrl.test(value)) return { value: value.replace(/^unix\+http/, 'http+unix').replace(/\/+$/, '') };
  return { problem: 'names no socket; write http+unix://%2Frun%2Fhub.sock/path' };
}

/** Parses an exact host or `*.example.org`; hosts have no port here, and case does not matter. */
export function parseHost(value: unknown): Result<string> {
  const example = 'write apps.example.org or *.example.org';
  if (typeof value !== 'string') return { problem: `is not a host; ${example}` };
  if (value === '*') return { problem: 'matches every host; leave hosts out for that' };
  const host = value.toLowerCase();
  if (host.startsWith('[') && host.endsWith(']') && ipv6.test(host.slice(1, -1))) return { value: host };
  if (isHost(host.startsWith('*.') ? host.slice(2) : host)) return { value: host };
  const bare = host.replace(/^[a-z]+:\/\//, '').replace(/[:/].*$/, '');
  if (bare !== host && isHost(bare)) return { problem: `is more than a host; write ${bare}` };
  return { problem: `is not a host; ${example}` };
}

/** Parses a method of HTTP. They are told apart by case, and all that are in use are in capitals (RFC 9110 §9.1). */
export function parseMethod(value: unknown): Result<string> {
  const example = 'write GET, POST or another';
  if (typeof value !== 'string') return { problem: `is not a method; ${example}` };
  const upper = value.toUpperCase();
  if (!method.test(upper) || upper.length > patterns.longestMethod) {
    return { problem: `is not a method; ${example}` };
  }
  return upper === value ? { value } : { problem: `is not in capitals, and matches nothing so; write ${upper}` };
}

/** Parses the name in a certificate: a host without a port, or an address. */
export function parseServerName(value: unknown): Result<string> {
  const problem = 'is not a name in a certificate; write backend.example.org, or an address';
  if (typeof value !== 'string') return { problem };
  const name = value.toLowerCase();
  return isHost(name) || ipv6.test(name) ? { value: name } : { problem };
}

/** Parses the name of a user of a store. */
export function parseUserName(value: unknown): Result<string> {
  if (typeof value === 'string' && /^[!-~]{1,128}$/.test(value)) return { value };
  return { problem: 'is not the name of a user; write it in ASCII without blanks, at most 128' };
}

/** Parses the path of a file. */
export function parseFile(value: unknown): Result<string> {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    return { problem: 'is not the path of a file; write /run/secrets/token' };
  }
  return { value };
}

/** Parses the paths of a certificate and its key. */
export function parsePair(value: unknown): Result<PairPaths> {
  const example = 'write {cert: tls.crt, key: tls.key}';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: `is not a certificate with its key; ${example}` };
  }
  const { cert, key, ...more } = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(more)) return { key: name, problem: `is an unknown key; ${example}` };
  for (const [name, path] of Object.entries({ cert, key })) {
    if (path === undefined) return { problem: `has no ${name}; ${example}` };
    const parsed = parseFile(path);
    if ('problem' in parsed) return { ...parsed, key: name };
  }
  return { value: { cert: cert as string, key: key as string } };
}

/** Parses a path pattern: literal segments, `*` for one, `**` for any number. It is kept as written. */
export function parsePath(value: unknown): Result<string> {
  if (typeof value !== 'string') return { problem: 'is not a path; write / or /app' };
  if (!value.startsWith('/')) return { problem: `does not begin with a slash; write /${value.replace(/^\/+/, '')}` };
  if (value.includes('//')) return { problem: `has an empty segment; write ${value.replace(/\/{2,}/g, '/')}` };
  if (/[?#]/.test(value)) return { problem: 'holds ? or #; write the path alone, a query never decides the route' };
  if (/%(00|2e|2f|5c)/i.test(value))
    return { problem: 'has an ambiguous encoding; write segments without encoded dots and slashes' };
  if (/\\|%(?![0-9a-f]{2})|[^\x21-\x7e]/i.test(value)) {
    return { problem: 'holds a character that no request path has; write it percent-encoded as browsers send it' };
  }
  for (const segment of value.split('/')) {
    if (/^\.\.?(;|$)/.test(segment))
      return { problem: 'has a dot segment, which no request keeps; write the path without it' };
    if (/^\{.*\}$|^<.*>$/.test(segment)) {
      return { problem: `has ${segment}, which is no placeholder here; write * for one whole segment` };
    }
    if (segment.includes('*') && segment !== '*' && segment !== '**') {
      return { problem: `has * inside a segment; write * for one whole segment or ** for any number` };
    }
  }
  return { value };
}

/**
 * One spelling for all patterns that match the same paths: a pattern is a prefix, so `/a`, `/a/` and `/a/**` are equal,
 * and `/%61` is `/a`, as it is to the routes.
 */
export function canonicalPath(path: string): string {
  const segments = path
    .split('/')
    .filter((segment, i, all) => segment !== '' && !(segment === '**' && all[i - 1] === '**'))
    .map((segment) =>
      segment.replace(/%(?!2a)([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    );
  while (segments.at(-1) === '**') segments.pop();
  return `/${segments.join('/')}`;
}
