/** What the head of a request says, and where it leads: the fast lane's counterpart of `readArrival`. */
import { userOf } from '../../admission/identity.ts';
import type { Peer } from '../../admission/peer.ts';
import type { Refused } from '../../admission/verdict.ts';
import { Visit } from '../../admission/visit.ts';
import { handshakeLists } from '../../http/raw-fields.ts';
import type { Head } from '../../http/wire/head.ts';
import type { RequestFacts } from '../../observe/log/log.ts';
import { asksForWebSocket } from '../../websocket/validate.ts';
import { findRoute, refuseLongList } from '../arrival.ts';
import type { Edge } from '../edge.ts';
import type { EdgeRoute } from '../edge-route.ts';
import { healthPath } from '../health.ts';
import type { CameFrom, Origins } from './origins.ts';

/** What an answer to a request must know of it. */
export interface Asked {
  readonly method: string;
  /** As it came. */
  readonly target: string;
  /** The form of answers that its client prefers. */
  readonly accept: string | undefined;
  /** Its client sends the body only when it is told to go on. */
  readonly expects: boolean;
}

/** A request whose head is whole. */
export interface RequestHead extends Asked {
  readonly host: string;
  readonly sender: CameFrom;
  /** Whether it is a handshake. */
  readonly upgrades: boolean;
  /** It asks whether Sluice lives, where an API sets the routes: no route is looked for. */
  readonly asksHealth: boolean;
  readonly route: EdgeRoute | null;
  /** Why there is no route. */
  readonly refused: Refused | null;
}

/** What is known while no head is whole. */
export const nothingAsked: Asked = { method: '', target: '', accept: undefined, expects: false };

/** Reads a head that is whole. */
export function readHead(head: Head, origins: Origins, edge: Edge): RequestHead {
  const host = head.value(head.hostLine);
  const target = targetOf(head);
  const upgrades = head.upgrades && asksForWebSocket(head);
  const asksHealth = target === healthPath && edge.hub !== null;
  // The parser has counted the elements of all others.
  const tooLong = upgrades ? refuseLongList(head, handshakeLists) : null;
  const found = asksHealth ? null : (tooLong ?? findRoute(host, pathOf(target), edge));
  const isRefused = found !== null && 'outcome' in found;
  return {
    method: head.method,
    target,
    accept: acceptOf(head),
    expects: head.expectLine >= 0 && head.value(head.expectLine).toLowerCase() === '100-continue',
    host,
    sender: origins.of(head, host, edge),
    upgrades,
    asksHealth,
    route: isRefused ? null : found,
    refused: isRefused ? found : null,
  };
}

/** The visit of a request whose route is known. */
export function visitOf(asked: RequestHead, route: EdgeRoute, head: Head, peer: Peer, edge: Edge): Visit {
  const { method, host, target, sender, upgrades } = asked;
  const { origination } = sender;
  const { identity } = route.route;
  return new Visit({
    kind: upgrades ? 'websocket' : 'http',
    method,
    httpVersion: '1.1',
    host,
    target,
    fields: head,
    headerBytes: head.end - head.start,
    origination,
    peer,
    route,
    ipv6Prefix: edge.ipv6Prefix,
    // Most routes do not ask for one.
    named:
      identity === null
        ? undefined
        : userOf(identity, { headers: head.pairs(), trusted: origination.trusted, path: pathOf(target) }),
  });
}

/** What the beginning of a head that is too large says: mostly whose cookies they are. `null` where that is nothing. */
export function readBeginning(head: Head, origins: Origins, edge: Edge): RequestFacts | null {
  if (head.lines === 0) return null;
  const host = head.hostLine < 0 ? undefined : head.value(head.hostLine);
  const { address } = origins.of(head, host ?? '', edge).origination;
  return { route: null, host, target: targetOf(head), address };
}

/** A longer one would be kept as long as its request lasts, for what the forms of our answers do not need. */
const mostAccept = 1024;

function acceptOf(head: Head): string | undefined {
  const accept = head.acceptLine < 0 ? '' : head.value(head.acceptLine);
  return accept === '' || accept.length > mostAccept ? undefined : accept;
}

function targetOf({ bytes, targetStart, targetEnd }: Head): string {
  return bytes.toString('latin1', targetStart, targetEnd);
}

function pathOf(target: string): string {
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? target : target.slice(0, queryAt);
}
