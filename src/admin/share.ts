/** Whoever holds most of what is scarce gives way first. */

/** One of the places, and who has it. */
export interface Place {
  readonly remoteAddress: string | undefined;
}

/** The places of the address that has most, in the order in which they come. */
export function placesOfGreatest<P extends Place>(places: Iterable<P>): readonly P[] {
  const byAddress = new Map<string | undefined, P[]>();
  let greatest: P[] = [];
  for (const place of places) {
    const own = byAddress.get(place.remoteAddress) ?? [];
    byAddress.set(place.remoteAddress, own);
    own.push(place);
    if (own.length > greatest.length) greatest = own;
  }
  return greatest;
}
