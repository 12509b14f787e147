/**
 * Where a route of an API leads: `http://host:port`, `https://…` or `http+unix://%2Frun%2Fserver.sock`, with a path
 * or without.
 */
import type { UpstreamTarget } from '../config/types.ts';
import type { RouteProblem } from './route-problem.ts';

export interface ApiTarget {
  readonly upstream: UpstreamTarget;
  /** What comes before the path of a request; it does not end with a slash. */
  readonly base: string;
}

const longestTarget = 2048;
/** A path of Linux's sockets has so many bytes, and one that ends it. */
const longestSocketPath = 107;
const example = 'write http://host:port';

/** Reads a target. */
export function parseApiTarget(text: string): ApiTarget | RouteProblem {
  if (text.length > longestTarget) {
    return { problem: `the target has ${text.length} characters, at most ${longestTarget} may be` };
  }
  const url = URL.parse(text);
  if (url === null) return { problem: `the target is no URL; ${example}` };
  if (url.username !== '' || url.password !== '') {
    return { problem: 'the target holds a user or password, which would be shown to everybody who lists routes' };
  }
  if (url.search !== '' || url.hash !== '')
    return { problem: 'the target holds a query or a fragment; write its path alone' };
  const base = url.pathname.replace(/\/+$/, '');
  switch (url.protocol) {
    case 'http:':
    case 'https:':
      return networkTarget(url, base);
    case 'http+unix:':
    case 'unix+http:':
      return socketTarget(url, base);
    default:
      return {
        problem: `the target has the scheme ${url.protocol.slice(0, -1)}; ${example}, https:// or http+unix://`,
      };
  }
}

function networkTarget({ protocol, hostname, port, origin }: URL, base: string): ApiTarget | RouteProblem {
  const secure = protocol === 'https:';
  if (port === '0') return { problem: `the target has port 0, where nobody listens; ${example}` };
  const upstream: UpstreamTarget = {
    protocol: secure ? 'https:' : 'http:',
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    href: origin,
  };
  return { upstream, base };
}

function socketTarget({ host, port }: URL, base: string): ApiTarget | RouteProblem {
  const path = decoded(host);
  if (port !== '' || path === null || !path.startsWith('/') || path.includes('\0')) {
    return { problem: 'the target names no socket; write http+unix://%2Frun%2Fserver.sock' };
  }
  if (Buffer.byteLength(path) > longestSocketPath) {
    return { problem: `the path of the target's socket has more than ${longestSocketPath} bytes` };
  }
  const upstream: UpstreamTarget = {
    protocol: 'http:',
    host: 'localhost',
    port: 0,
    href: `http+unix://${host}`,
    socketPath: path,
  };
  return { upstream, base };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
