/**
 * Where the requests of one connection come from, and what upstreams are told of it. Forwarding lines count only from a
 * trusted peer. From any other peer that is the same for each request to a host, and made once.
 */
import { forwardingOfApi, type Origination, originationOf } from '../../admission/client-address.ts';
import type { Peer } from '../../admission/peer.ts';
import type { Changes } from '../../http/changes.ts';
import type { Head } from '../../http/wire/head.ts';
import { Field } from '../../http/wire/names.ts';
import type { Edge } from '../edge.ts';
import type { EdgeRoute } from '../edge-route.ts';

/** Where a request comes from. */
export class CameFrom {
  readonly origination: Origination;
  /** Made when a request goes on; most that strangers send are refused. */
  #lines: Buffer | null = null;
  #linesOfApi: Buffer | null = null;

  constructor(origination: Origination) {
    this.origination = origination;
  }

  /** The forwarding lines for the upstream, as they are sent. */
  linesFor({ hub }: EdgeRoute, changes: Changes | null): Buffer {
    if (hub === null) {
      this.#lines ??= linesOf(this.origination.forwarding);
      return this.#lines;
    }
    if (changes !== null) return linesOf(forwardingOfApi(this.origination, changes));
    this.#linesOfApi ??= linesOf(forwardingOfApi(this.origination, null));
    return this.#linesOfApi;
  }
}

export class Origins {
  readonly #peer: Peer;
  #edge: Edge | null = null;
  #host = '';
  /** For requests without forwarding lines, or with lines that do not count. */
  #usual: CameFrom | null = null;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Where a request to a host, as its `Host` line names it, comes from. */
  of(head: Head, host: string, edge: Edge): CameFrom {
    if (this.#usual === null || this.#host !== host || this.#edge !== edge) {
      this.#edge = edge;
      this.#host = host;
      this.#usual = this.#make([], host, edge);
    }
    if (!head.forwards || !this.#usual.origination.trusted) return this.#usual;
    return this.#make(forwardingPairs(head), host, edge);
  }

  #make(pairs: readonly string[], host: string, edge: Edge): CameFrom {
    const { address, encrypted } = this.#peer;
    const peer = { address, scheme: encrypted ? 'https' : 'http', host } as const;
    return new CameFrom(originationOf(pairs, peer, edge.proxies));
  }
}

function linesOf(pairs: Origination['forwarding']): Buffer {
  let lines = '';
  for (const [name, value] of pairs) lines += `${name}: ${value}\r\n`;
  return Buffer.from(lines, 'latin1');
}

function forwardingPairs(head: Head): string[] {
  const pairs: string[] = [];
  for (let i = 0; i < head.lines; i++) {
    const field = head.fields[i];
    if (field === Field.told || field === Field.forwarding) pairs.push(head.name(i), head.value(i));
  }
  return pairs;
}
