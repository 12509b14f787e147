/** Sharing of what is scarce: the one that holds most gives way first. */
import { plainAddress, subscriberOf } from '../admission/ip.ts';

/** A subscriber of IPv6 has at least these bits' worth of addresses. */
const ipv6Bits = 64;

/** Whom a client counts for: its address, or the beginning of its network; `unix` on a unix socket. */
export function holderOf(remoteAddress: string | undefined): string {
  const address = plainAddress(remoteAddress ?? '');
  return address === null ? 'unix' : subscriberOf(address, ipv6Bits);
}

/** One of the places, and who has it. */
export interface HeldPlace {
  readonly remoteAddress: string | undefined;
}

/** The places of the holder that has most, in the order in which they come. */
export function placesOfGreatest<P extends HeldPlace>(places: Iterable<P>): readonly P[] {
  const byHolder = new Map<string, P[]>();
  let greatest: P[] = [];
  for (const place of places) {
    const holder = holderOf(place.remoteAddress);
    const own = byHolder.get(holder) ?? [];
    byHolder.set(holder, own);
    own.push(place);
    if (own.length > greatest.length) greatest = own;
  }
  return greatest;
}
