/**
 * Where a request came from. The peer's word counts only if the peer is one of `trusted_proxies`, and then as far as
 * the chain of trusted proxies reaches.
 */
import type { Changes } from '../http/changes.ts';
import { type FieldKind, kindOf } from '../http/fields.ts';
import type { RawHeaders } from '../http/raw-fields.ts';
import { plainAddress } from './ip.ts';
import type { Networks } from './networks.ts';
import type { Peer } from './peer.ts';

/** Who sent a request, and how it came to the first proxy. */
export interface Origination {
  /** The client's address; `unix` for a local peer that names nobody. */
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** The host that the client asked for. */
  readonly host: string;
  /** Whether the peer is a trusted proxy. */
  readonly trusted: boolean;
  /** Whether an untrusted peer sent forwarding headers. */
  readonly untrustedHeaders: boolean;
  /** The forwarding headers for the upstream. */
  readonly forwarding: Pairs;
  /** Those of a trusted peer, as they came. */
  readonly came: Pairs;
  /** Whether a trusted peer said which port the client came to. */
  readonly portCame: boolean;
}

type Pairs = readonly (readonly [name: string, value: string])[];

/** What is known of the connection a request came on. */
export interface PeerFacts {
  readonly address: Peer['address'];
  readonly scheme: 'http' | 'https';
  /** The `Host` header. */
  readonly host: string;
}

/** Finds out who sent a request, and what the upstream is told of it. */
export function originationOf(raw: RawHeaders, peer: PeerFacts, proxies: Networks): Origination {
  const peerAddress = peer.address;
  const peerName = peerAddress ?? 'unix';
  const trusted = peerAddress === null || proxies.includes(peerAddress);
  if (!trusted) {
    const untrustedHeaders = raw.some((name, i) => i % 2 === 0 && isForwarding(kindOf(name)));
    return describe(peerName, [peerName], peer.scheme, peer.host, { trusted, untrustedHeaders, ...nothingCame });
  }
  const hops = list(raw, 'x-forwarded-for');
  const address = clientOf(peerName, hops, proxies);
  const scheme = schemeOf(list(raw, 'x-forwarded-proto')[0] ?? list(raw, 'x-scheme')[0]) ?? peer.scheme;
  const host = list(raw, 'x-forwarded-host')[0] ?? peer.host;
  const chain = peerAddress === null ? hops : [...hops, peerAddress];
  const came = raw.flatMap((name, i) => (i % 2 === 0 && kindOf(name) === 'told' ? [[name, raw[i + 1]!] as const] : []));
  const portCame = list(raw, 'x-forwarded-port').length > 0;
  const flags = { trusted, untrustedHeaders: false, came, portCame };
  return describe(address, chain.length === 0 ? [address] : chain, scheme, host, flags);
}

const nothingCame = { came: [], portCame: false } as const;

/**
 * What a target of an API's route is told of who asks: as configurable-http-proxy tells it, also which port the client
 * came to, and nothing that a rule sets in its own way. Where nothing is to be added, the word of a trusted peer goes
 * on as it came.
 */
export function forwardingOfApi(origination: Origination, changes: Changes | null): Pairs {
  const { forwarding, came, portCame, host, scheme } = origination;
  const port = /:(\d{1,5})$/.exec(host)?.[1] ?? (scheme === 'https' ? '443' : '80');
  const told = portCame ? forwarding : [...forwarding, ['X-Forwarded-Port', port] as const];
  if (changes === null) return told;
  return (changes.forwarded ? told : came).filter(([name]) => {
    const same = sameWord.get(name.toLowerCase());
    return !changes.removes(name) && (same === undefined || !changes.removes(same));
  });
}

/** What says the same in older words, and is believed before the newer ones: whoever sets those would not be heard. */
const sameWord: ReadonlyMap<string, string> = new Map([
  ['x-scheme', 'x-forwarded-proto'],
  ['x-real-ip', 'x-forwarded-for'],
]);

function isForwarding(kind: FieldKind): boolean {
  return kind === 'told' || kind === 'forwarding';
}

function describe(
  address: string,
  chain: readonly string[],
  scheme: 'http' | 'https',
  host: string,
  flags: Pick<Origination, 'trusted' | 'untrustedHeaders' | 'came' | 'portCame'>,
): Origination {
  const forwarding: [name: string, value: string][] = [
    ['X-Forwarded-For', chain.join(', ')],
    ['X-Forwarded-Proto', scheme],
  ];
  // A client of HTTP/1.0 may have named none.
  if (host !== '') forwarding.push(['X-Forwarded-Host', host]);
  // Tornado prefers X-Scheme to X-Forwarded-Proto.
  forwarding.push(['X-Real-IP', address], ['X-Scheme', scheme]);
  const { trusted, untrustedHeaders, came, portCame } = flags;
  return { address, scheme, host, forwarding, trusted, untrustedHeaders, came, portCame };
}

/**
 * Walks `X-Forwarded-For` from the right, where the nearest proxy wrote. Returns the first address that is not trusted.
 */
function clientOf(peer: string, hops: readonly string[], proxies: Networks): string {
  let address = peer;
  for (const hop of hops.toReversed()) {
    const plain = plainAddress(hop);
    if (plain === null) break;
    address = plain;
    if (!proxies.includes(plain)) break;
  }
  return address;
}

/** The client's scheme is the first of a list: each proxy appends the one by which it was reached. */
function schemeOf(text: string | undefined): 'http' | 'https' | null {
  const scheme = text?.toLowerCase();
  if (scheme === 'http' || scheme === 'ws') return 'http';
  return scheme === 'https' || scheme === 'wss' ? 'https' : null;
}

/** The elements of a list header, over all its lines, empty ones left out. */
function list(raw: RawHeaders, name: string): string[] {
  const values = raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
  return values
    .flatMap((value) => value.split(','))
    .map((element) => element.trim())
    .filter((element) => element !== '');
}
