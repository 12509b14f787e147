/**
 * Connection slots of one route, lent from handshake to end: `connections.max`, `max_per_address` and `max_per_user`.
 *
 * Where a user has their maximum and the route evicts, the newcomer waits until a place of that user comes back:
 *
 *   place:    pending ─► open ─► leaving ─► back
 *                          └ evicted ─┘ cut where it does not go in time
 *   newcomer: waiting ─► a place is back: it is theirs
 *
 * So a newcomer is never there beside the connection that goes for it, and the place of that one goes to nobody else.
 */
import type { Route } from '../config/types.ts';
import type { OpenConnection } from './open-connection.ts';
import type { CountedUser } from './user-key.ts';
import type { Refused } from './verdict.ts';

/** The caps, read anew at each handshake. */
export type Caps = Route['connections'];

/** Whom a connection counts for. */
export interface Claimant {
  readonly address: string;
  /** `null` for nobody, who is not counted as a user. */
  readonly user: CountedUser | null;
}

/** How long a connection that is evicted may take to say goodbye. */
const goodbyeMs = 2000;

/** A slot that is lent. Disposing of it gives it back. */
export class ConnectionSlot implements Disposable {
  readonly claimant: Claimant;
  /** The connection that the handshake has become. Without one a slot's holder cannot be evicted. */
  connection: OpenConnection | null = null;
  /** Where it stands among those of its user. */
  place = -1;
  readonly #giveBack: (slot: ConnectionSlot) => void;
  #timer: NodeJS.Timeout | undefined;
  #held = true;
  #onBack: (() => void) | null = null;

  constructor(claimant: Claimant, giveBack: (slot: ConnectionSlot) => void) {
    this.claimant = claimant;
    this.#giveBack = giveBack;
  }

  /** Whether the slot comes back soon, for whatever cause the connection ends. */
  get isLeaving(): boolean {
    return this.connection?.isEnding ?? false;
  }

  /** Resolves when it is back. Asked for once. */
  whenBack(): Promise<void> {
    return new Promise((resolve) => {
      this.#onBack = resolve;
    });
  }

  /** Ends the connection for a newer one of the same user. */
  evict(configured: number, observed: number): void {
    const connection = this.connection!;
    this.#timer = setTimeout(() => connection.cut('evicted'), goodbyeMs);
    connection.evict(configured, observed);
  }

  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    clearTimeout(this.#timer);
    this.connection = null;
    this.#giveBack(this);
    this.#onBack?.();
  }
}

/** What one user has of the route. */
class UserSlots {
  readonly slots: ConnectionSlot[] = [];
  readonly waiting: Newcomer[] = [];

  add(slot: ConnectionSlot): void {
    slot.place = this.slots.length;
    this.slots.push(slot);
  }

  delete(slot: ConnectionSlot): void {
    const last = this.slots.pop()!;
    if (last === slot) return;
    this.slots[slot.place] = last;
    last.place = slot.place;
  }
}

/** A client that waits until a connection of the same user is gone. */
export class Newcomer {
  readonly slot: Promise<ConnectionSlot | Refused>;
  readonly claimant: Claimant;
  readonly caps: Caps;
  readonly resolve: (slot: ConnectionSlot | Refused) => void;
  readonly #user: UserSlots;

  constructor(claimant: Claimant, caps: Caps, user: UserSlots) {
    const { promise, resolve } = Promise.withResolvers<ConnectionSlot | Refused>();
    this.slot = promise;
    this.resolve = resolve;
    this.claimant = claimant;
    this.caps = caps;
    this.#user = user;
  }

  /** Waits no more, and hears that the cap is reached. */
  giveUp(): void {
    const { waiting, slots } = this.#user;
    const at = waiting.indexOf(this);
    if (at < 0) return;
    waiting.splice(at, 1);
    this.resolve(capRefusal('connections.max_per_user', this.caps.maxPerUser, slots.length + 1));
  }
}

export class ConnectionSlots {
  #taken = 0;
  readonly #byAddress = new Map<string, number>();
  readonly #byUser = new Map<string, UserSlots>();
  readonly #giveBack = (slot: ConnectionSlot) => this.#back(slot);

  /** Slots that are lent now. */
  get taken(): number {
    return this.#taken;
  }

  /** Users who have some of them. */
  get users(): number {
    return this.#byUser.size;
  }

  /**
   * Lends a slot, or says which cap is reached. If the route evicts, it ends another connection and lets the claimant
   * wait for that place.
   */
  take(claimant: Claimant, caps: Caps): ConnectionSlot | Refused | Newcomer {
    const theirs = claimant.user === null ? undefined : this.#byUser.get(claimant.user.key);
    const room = caps.maxPerUser - (theirs === undefined ? 0 : theirs.slots.length + theirs.waiting.length);
    if (claimant.user === null || room > 0) return this.#lend(claimant, caps);
    const evicts = caps.onLimit === 'evict_oldest' && claimant.user.vouched;
    if (theirs !== undefined && evicts) return this.#makeRoom(claimant, caps, theirs);
    return (
      this.#refusal(claimant, caps, []) ??
      capRefusal('connections.max_per_user', caps.maxPerUser, 1 - room + caps.maxPerUser)
    );
  }

  /**
   * Ends the longest idle connection of a user for one of them that has its slot already, and is one too many
   * elsewhere; resolves when it is gone. `null` where there is none.
   */
  evictFor({ claimant }: ConnectionSlot, configured: number, observed: number): Promise<void> | null {
    const { slots } = this.#byUser.get(claimant.user!.key)!;
    const [idle] = idleOf(slots);
    if (idle === undefined) return null;
    const gone = idle.whenBack();
    idle.evict(configured, observed);
    return gone;
  }

  #lend(claimant: Claimant, caps: Caps): ConnectionSlot | Refused {
    const refused = this.#refusal(claimant, caps, []);
    if (refused !== null) return refused;
    const { address, user } = claimant;
    const slot = new ConnectionSlot(claimant, this.#giveBack);
    this.#taken++;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    if (user !== null) {
      const theirs = this.#byUser.get(user.key) ?? new UserSlots();
      this.#byUser.set(user.key, theirs);
      theirs.add(slot);
    }
    return slot;
  }

  /** What the caps of the route and of the address say once the slots in `back` are back. */
  #refusal({ address }: Claimant, { max, maxPerAddress }: Caps, back: readonly ConnectionSlot[]): Refused | null {
    const taken = this.#taken - back.length;
    if (taken >= max) return capRefusal('connections.max', max, taken + 1);
    const ofAddress =
      (this.#byAddress.get(address) ?? 0) - back.filter((slot) => slot.claimant.address === address).length;
    return ofAddress >= maxPerAddress ? capRefusal('connections.max_per_address', maxPerAddress, ofAddress + 1) : null;
  }

  /**
   * Evicts as many as are needed, the longest idle first, unless the claimant would be refused all the same. A
   * connection that is still on its way in is not idle.
   */
  #makeRoom(claimant: Claimant, caps: Caps, theirs: UserSlots): Refused | Newcomer {
    const { slots, waiting } = theirs;
    const observed = slots.length + waiting.length + 1;
    const leaving = slots.filter((slot) => slot.isLeaving);
    const missing = Math.max(0, observed - leaving.length - caps.maxPerUser);
    const idle = idleOf(slots).slice(0, missing);
    const refused = this.#refusal(claimant, caps, [...leaving, ...idle]);
    if (refused !== null) return refused;
    if (idle.length < missing || caps.maxPerUser < 1)
      return capRefusal('connections.max_per_user', caps.maxPerUser, observed);
    const newcomer = new Newcomer(claimant, caps, theirs);
    waiting.push(newcomer);
    for (const slot of idle) slot.evict(caps.maxPerUser, observed);
    return newcomer;
  }

  #back(slot: ConnectionSlot): void {
    const { address, user } = slot.claimant;
    this.#taken--;
    const left = this.#byAddress.get(address)! - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
    if (user === null) return;
    const theirs = this.#byUser.get(user.key)!;
    theirs.delete(slot);
    const { waiting, slots } = theirs;
    while (waiting.length > 0 && slots.length < waiting[0]!.caps.maxPerUser) {
      const { claimant, caps, resolve } = waiting.shift()!;
      resolve(this.#lend(claimant, caps));
    }
    if (slots.length + waiting.length === 0) this.#byUser.delete(user.key);
  }
}

/**
 * Those that can be evicted, the longest idle first. Each is asked once: what came since the last tick counts as come
 * now, which is later with each question. Of such the one that was opened first goes.
 */
function idleOf(slots: readonly ConnectionSlot[]): ConnectionSlot[] {
  return slots
    .flatMap((slot) => (slot.connection === null || slot.isLeaving ? [] : { slot, at: slot.connection.lastDataAt }))
    .sort((a, b) => a.at - b.at)
    .map(({ slot }) => slot);
}

const outcomes = {
  'connections.max': 'too_many_connections',
  'connections.max_per_address': 'too_many_per_address',
  'connections.max_per_user': 'too_many_per_user',
} as const;

/** The cap of connections that a handshake would exceed. */
export type CapName = keyof typeof outcomes;

/** Who would be one too many; `over` says more of who has counted. */
export function capRefusal(name: CapName, configured: number, observed: number, over = ''): Refused {
  const detail = `${name} is ${configured}${over}`;
  return { outcome: outcomes[name], detail, limit: { name, configured, observed } };
}
