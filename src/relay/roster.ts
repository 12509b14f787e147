/**
 * A set whose members come and go by the thousand. A `Set` of V8's makes itself another table every few dozen times, and a table
 * that was left keeps what it held, and the next table, alive for every collection but the great ones: each request, and each
 * connection with its sockets, outlived dozens of collections, which cost a fifth of a handshake (measured).
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

  /** All that are there now; whoever comes or goes meanwhile changes nothing of it. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#members].values();
  }
}
