/** What a request's header alone decides: whether the request is whole, for one host, with one path, on one route. */
import { type Origination, originationOf } from '../admission/client-address.ts';
import { userOf } from '../admission/identity.ts';
import type { Peer } from '../admission/peer.ts';
import type { Refused } from '../admission/verdict.ts';
import { Visit } from '../admission/visit.ts';
import { framingFault } from '../http/framing.ts';
import { RawFields } from '../http/head-fields.ts';
import { hostOf } from '../http/host.ts';
import {
  allLists,
  type FieldValues,
  headerBytes,
  longListFault,
  type RawHeaders,
  valuesOf,
} from '../http/raw-fields.ts';
import { parseTarget } from '../http/target.ts';
import { maxHeadLines } from '../http/wire/head.ts';
import { maxHeadBytes } from '../http/wire/head-parser.ts';
import type { FoundRoute } from '../routes/table.ts';
import { asksForWebSocket } from '../websocket/validate.ts';
import type { Edge } from './edge.ts';
import type { EdgeRoute } from './edge-route.ts';

/** What of a request and its connection matters here. */
export interface Incoming {
  readonly method: string;
  /** `1.1`. */
  readonly version: string;
  readonly url: string;
  readonly headers: RawHeaders;
  readonly peer: Peer;
}

/** A request whose route is known. */
export interface Arrival {
  readonly route: EdgeRoute;
  readonly visit: Visit;
}

/** One that goes no further, and what is known of where it came from. */
export interface Unarrived {
  readonly refused: Refused;
  readonly origination: Origination;
}

/** Characters that Node would refuse to send on, with an exception. */
const notInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** Reads a request's header; where it goes no further, `refused` says why and the rest is what is known. */
export function readArrival(request: Incoming, edge: Edge): Arrival | Unarrived {
  const { headers } = request;
  const { address, encrypted } = request.peer;
  const scheme = encrypted ? 'https' : 'http';
  // `GET / HTTP/1.1`: the version and two spaces are 10 bytes.
  const bytes = headerBytes(request.method.length + request.url.length + 10, headers);
  const excess = excessOf(bytes, headers);
  // Counting is cheap, and nothing of a block that is too large is read.
  if (excess !== null) {
    const peer = { address, scheme, host: '' } as const;
    return { refused: excess, origination: originationOf([], peer, edge.proxies) };
  }
  const hosts = valuesOf(headers, 'host');
  const peer = { address, scheme, host: hosts[0] ?? '' } as const;
  const origination = originationOf(headers, peer, edge.proxies);
  const refuse = (outcome: Refused['outcome'], detail: string) => ({ refused: { outcome, detail }, origination });

  if (headers.some((value, i) => i % 2 === 1 && notInValue.test(value))) {
    return refuse('bad_request', 'a header holds a control character');
  }
  const fault = framingFault(request);
  if (fault !== null) return refuse('bad_request', fault);
  // HTTP/1.0 has no Host, and load balancers still speak it for health checks.
  const nameless = hosts.length === 0 && request.version === '1.0';
  if (hosts.length !== 1 && !nameless) return refuse('bad_request', `there are ${hosts.length} Host headers`);
  const target = parseTarget(request.url, peer.host, request.method);
  if (target === null) return refuse('bad_request', 'the request target');
  const found = nameless ? findForEveryHost(target.path, edge) : findRoute(peer.host, target.path, edge);
  if ('outcome' in found) return { refused: found, origination };
  const { trusted } = origination;
  const fields = new RawFields(headers);
  const visit = new Visit({
    kind: asksForWebSocket(fields) ? 'websocket' : 'http',
    method: request.method,
    httpVersion: request.version,
    host: peer.host,
    target: target.target,
    fields,
    headerBytes: bytes,
    origination,
    peer: request.peer,
    route: found,
    ipv6Prefix: edge.ipv6Prefix,
    named: userOf(found.route.identity, { headers, trusted, path: target.path }),
  });
  return { route: found, visit };
}

function excessOf(bytes: number, headers: RawHeaders): Refused | null {
  if (bytes > maxHeadBytes) return { outcome: 'headers_too_large', detail: `the header block has ${bytes} bytes` };
  const lines = headers.length / 2;
  if (lines > maxHeadLines) return { outcome: 'too_many_headers', detail: `there are ${lines} header lines` };
  return refuseLongList(new RawFields(headers), allLists);
}

/** Lists that are taken apart may not be longer than anybody makes them. */
export function refuseLongList(fields: FieldValues, lists: readonly string[]): Refused | null {
  const detail = longListFault(fields, lists);
  return detail === null ? null : { outcome: 'bad_request', detail };
}

/** JupyterHub escapes the path of a unix socket and names it as its host. No route names such a host. */
function socketName(header: string): string | null {
  return /^(?:%[0-9a-f]{2}|[a-z0-9._~-]){1,400}$/i.test(header) ? header.toLowerCase() : null;
}

/** The route that a `Host` header and a path lead to. */
export function findRoute(hostHeader: string, path: string, edge: Edge): EdgeRoute | Refused {
  const host = hostOf(hostHeader) ?? (edge.hub === null ? null : socketName(hostHeader));
  if (host === null) return { outcome: 'bad_request', detail: 'the Host header is no host' };
  return routeOf(edge.routes.find(host, path));
}

/** The route of a path for a request that names no host. Routes with `hosts` are for others. */
function findForEveryHost(path: string, edge: Edge): EdgeRoute | Refused {
  return routeOf(edge.routes.find('', path));
}

function routeOf(found: FoundRoute<EdgeRoute>): EdgeRoute | Refused {
  if (found === null) return { outcome: 'no_route', detail: '' };
  return 'between' in found ? refuseAmbiguous(found.between) : found.route;
}

/** Two backends, or two layers of one, may read the path in two ways. Which route's rules hold would be a guess. */
function refuseAmbiguous(between: readonly (EdgeRoute | null)[]): Refused {
  const routes = between.map((route) => route?.route.name ?? 'none');
  const leads = between.every((route) => route === null)
    ? 'it has too many readings for its length'
    : `it leads to ${routes.join(' or ')}, depending on how a server reads it`;
  return { outcome: 'ambiguous_path', detail: leads, routes };
}
