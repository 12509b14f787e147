/**
 * The connections on which nothing is under way: before their first request, within a header, between two requests, or
 * on their way out. Each has a clock. Anybody can open such connections without end, so they are counted, all together
 * and by address. If there is no room left, the address that has most of them loses the one that has waited longest. So
 * whoever opens many makes room for the others.
 */

import { contain } from '../mistakes.ts';
import { BySize, Sized } from './by-size.ts';

/** Somebody who waits. */
export interface Waiter {
  /** Whom the connection counts for; `null` is nobody in particular, such as a trusted proxy. */
  readonly group: string | null;
  /** Its place among those that wait, for this class alone to read and write. */
  place?: WaitingPlace | undefined;
  /** The clock has run out. */
  late(): void;
  /** Ends it, because there must be room for another. */
  evict(): void;
  /** Ends it at once, without a word. */
  drop(): void;
}

/** How many may wait. */
export interface WaitingCaps {
  readonly inAll: number;
  readonly ofGroup: number;
}

/** The most connections that wait: more of them are worth nothing. */
const mostWaiting = 16_384;
/** The most bytes of those of one address. */
const mostGroupBytes = 128 * 1024 * 1024;
/** What one that waits takes, measured; with TLS from its first byte on. */
const plainBytes = 10 * 1024;
const tlsBytes = 64 * 1024;

/**
 * Three quarters of what the process may open, and what takes a quarter of the container: the rest is for those who ask
 * for something. Two thirds of it for one address. `containerBytes` is `Infinity` where nothing bounds the process.
 */
export function capsOf(descriptors: number, tls: boolean, containerBytes: number): WaitingCaps {
  const bytesOfOne = tls ? tlsBytes : plainBytes;
  const inAll = Math.min((Math.min(mostWaiting, descriptors) * 3) / 4, containerBytes / 4 / bytesOfOne);
  return { inAll: Math.floor(inAll), ofGroup: Math.floor(Math.min((inAll * 2) / 3, mostGroupBytes / bytesOfOne)) };
}

/**
 * A place in two lists, of all and of a group, each from the one that waits longest. A `Map` would keep connections
 * that are gone, and their sockets, through most collections (see relay/roster.ts).
 */
export class WaitingPlace {
  readonly waiter: Waiter;
  end = 0;
  group: Group | null = null;
  before: WaitingPlace | null = null;
  behind: WaitingPlace | null = null;
  beforeInGroup: WaitingPlace | null = null;
  behindInGroup: WaitingPlace | null = null;

  constructor(waiter: Waiter) {
    this.waiter = waiter;
  }
}

/** Those who wait of one group. */
class Group extends Sized {
  first: WaitingPlace | null = null;
  last: WaitingPlace | null = null;
}

export class Waiting {
  readonly #caps: WaitingCaps;
  readonly #now: () => number;
  readonly #groups = new Map<string | null, Group>();
  readonly #bySize = new BySize<Group>();
  #first: WaitingPlace | null = null;
  #last: WaitingPlace | null = null;
  #size = 0;

  /** `now` tells the time in milliseconds. */
  constructor(caps: WaitingCaps, now: () => number) {
    this.#caps = caps;
    this.#now = now;
  }

  get size(): number {
    return this.#size;
  }

  /** Everybody who waits, the longest first. */
  all(): Iterable<Waiter> {
    const all: Waiter[] = [];
    for (let place = this.#first; place !== null; place = place.behind) all.push(place.waiter);
    return all;
  }

  /** One more waits from now on, for at most `ms` (0: without a clock). */
  add(waiter: Waiter, ms: number): void {
    this.delete(waiter);
    waiter.place ??= new WaitingPlace(waiter);
    const { place } = waiter;
    place.end = ms === 0 ? Number.POSITIVE_INFINITY : this.#now() + ms;
    this.#link(place);
    const group = this.#linkInGroup(place);
    if (waiter.group !== null && group.size > this.#caps.ofGroup) group.first!.waiter.evict();
    else if (this.#size > this.#caps.inAll) this.makeRoom();
  }

  /** Somebody waits no more. */
  delete({ place, group: name }: Waiter): void {
    const group = place?.group;
    if (!place || !group) return;
    this.#size--;
    if (place.before === null) this.#first = place.behind;
    else place.before.behind = place.behind;
    if (place.behind === null) this.#last = place.before;
    else place.behind.before = place.before;
    if (place.beforeInGroup === null) group.first = place.behindInGroup;
    else place.beforeInGroup.behindInGroup = place.behindInGroup;
    if (place.behindInGroup === null) group.last = place.beforeInGroup;
    else place.behindInGroup.beforeInGroup = place.beforeInGroup;
    place.before = place.behind = place.beforeInGroup = place.behindInGroup = place.group = null;
    this.#bySize.shrink(group);
    if (group.size === 0) this.#groups.delete(name);
  }

  /** Ends the one that goes first. Returns `false` if nobody waits. */
  makeRoom(): boolean {
    const { largest } = this.#bySize;
    if (largest === null) return false;
    largest.first!.waiter.evict();
    return true;
  }

  /** Ends those whose time is over, `most` of them at most. Returns whether there may be more of them. */
  tick(most = Number.POSITIVE_INFINITY): boolean {
    const now = this.#now();
    let ended = 0;
    for (let place = this.#first; place !== null; ) {
      if (ended === most) return true;
      const { behind } = place;
      if (place.end <= now) {
        ended++;
        const { waiter } = place;
        contain(
          () => waiter.late(),
          () => waiter.drop(),
        );
      }
      // Who is late may have sent others away.
      place = behind?.group === null ? this.#first : behind;
    }
    return false;
  }

  #link(place: WaitingPlace): void {
    this.#size++;
    place.before = this.#last;
    if (this.#last === null) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
  }

  #linkInGroup(place: WaitingPlace): Group {
    const { group: name } = place.waiter;
    const group = this.#groups.get(name) ?? new Group();
    if (group.size === 0) this.#groups.set(name, group);
    this.#bySize.grow(group);
    place.group = group;
    place.beforeInGroup = group.last;
    if (group.last === null) group.first = place;
    else group.last.behindInGroup = place;
    group.last = place;
    return group;
  }
}
