/**
 * The connections on which nothing is under way: before their first request, within a header, between two requests, or on
 * their way out. Each has a clock. They are what anybody can open without end, so they are counted, as a whole and by
 * address, and where there is no room left the one goes that has waited longest of the address that has most of them:
 * who opens many makes room for the others.
 */

/** Somebody who waits. */
export interface Waiter {
  /** Whose connection it is; `null` is nobody's in particular, such as a trusted proxy's. */
  readonly group: string | null;
  /** The clock has run out. */
  late(): void;
  /** There must be room for another. */
  evict(): void;
}

/** How many may wait. */
export interface WaitingCaps {
  readonly inAll: number;
  readonly ofGroup: number;
}

export class Waiting {
  readonly #caps: WaitingCaps;
  readonly #now: () => number;
  /** By how long they wait, the longest first; with the end of their clock. */
  readonly #waiters = new Map<Waiter, number>();
  readonly #groups = new Map<string | null, Set<Waiter>>();

  /** `now` tells the time in milliseconds. */
  constructor(caps: WaitingCaps, now: () => number) {
    this.#caps = caps;
    this.#now = now;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Everybody who waits, the longest first. */
  all(): Iterable<Waiter> {
    return [...this.#waiters.keys()];
  }

  /** Somebody waits from now on, for at most `ms` (0: without a clock). */
  add(waiter: Waiter, ms: number): void {
    this.delete(waiter);
    this.#waiters.set(waiter, ms === 0 ? Number.POSITIVE_INFINITY : this.#now() + ms);
    const group = this.#groups.get(waiter.group) ?? new Set();
    this.#groups.set(waiter.group, group.add(waiter));
    if (waiter.group !== null && group.size > this.#caps.ofGroup) evictFirst(group);
    else if (this.#waiters.size > this.#caps.inAll) this.makeRoom();
  }

  /** Somebody waits no more. */
  delete(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter)) return;
    const group = this.#groups.get(waiter.group)!;
    group.delete(waiter);
    if (group.size === 0) this.#groups.delete(waiter.group);
  }

  /** Ends the one that goes first; `false` where nobody waits. */
  makeRoom(): boolean {
    let largest: Set<Waiter> | null = null;
    for (const group of this.#groups.values()) if (largest === null || group.size > largest.size) largest = group;
    if (largest === null) return false;
    evictFirst(largest);
    return true;
  }

  /** Ends those whose time is over. */
  tick(): void {
    const now = this.#now();
    for (const [waiter, end] of this.#waiters) if (end <= now) waiter.late();
  }
}

function evictFirst(group: Set<Waiter>): void {
  const [first] = group;
  first!.evict();
}
