/** The addresses of an upstream's name, in the order in which they are tried. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** An address of a name. */
export interface Address {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name, the best first; rejects with the resolver's error. */
export type Lookup = (name: string) => Promise<readonly Address[]>;

/** Asks the system, as every other program on this machine does: /etc/hosts, search domains, RFC 6724. */
export const systemLookup: Lookup = (name) => lookup(name, { all: true, order: 'verbatim' });

/**
 * One question at a time for each name, whose answer serves all who asked meanwhile. The system's resolver holds one of
 * Node's few threads until it has an answer, and files are read on the same threads.
 */
export function shareLookups(lookUp: Lookup): Lookup {
  const underWay = new Map<string, Promise<readonly Address[]>>();
  return (name) => {
    const asked = underWay.get(name);
    if (asked !== undefined) return asked;
    const answer = lookUp(name).finally(() => underWay.delete(name));
    underWay.set(name, answer);
    return answer;
  };
}

/** An address that is written as one needs no look-up. */
export function literalAddress(host: string): Address | null {
  const family = isIP(host);
  return family === 0 ? null : { address: host, family };
}

/**
 * Orders IPv6 and IPv4 in turns, beginning with the family of the first (RFC 8305 §4), because one of them may lead
 * nowhere.
 */
export function interleave(addresses: readonly Address[]): readonly Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const ordered: Address[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    ordered.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return ordered;
}
