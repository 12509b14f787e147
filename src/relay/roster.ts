/**
 * A set whose members come and go by the thousand. V8's `Set` makes itself a new table every few dozen changes. The old
 * table keeps its members and the next table alive until a major collection. So each request, and each connection with
 * its sockets, outlived dozens of minor collections, which cost a fifth of a handshake (measured).
 */

/** What a member keeps of where it stands; −1 outside of a roster. */
export interface Rostered {
  rosterPlace: number;
}

/** A roster to look at. */
export interface Crowd<T> extends Iterable<T> {
  readonly size: number;
}

export class Roster<T extends Rostered> implements Crowd<T> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(member: T): boolean {
    return this.#members[member.rosterPlace] === member;
  }

  add(member: T): void {
    if (this.has(member)) return;
    member.rosterPlace = this.#members.length;
    this.#members.push(member);
  }

  delete(member: T): void {
    if (!this.has(member)) return;
    const last = this.#members.pop()!;
    if (last !== member) {
      this.#members[member.rosterPlace] = last;
      last.rosterPlace = member.rosterPlace;
    }
    member.rosterPlace = -1;
  }

  /** All members at this moment; later changes do not show in it. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#members].values();
  }
}
