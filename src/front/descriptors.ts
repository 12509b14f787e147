/**
 * Whether the process runs out of file descriptors. Node tells nobody when it has none left: libuv accepts what waits
 * with a descriptor that it kept for this and closes it at once. Clients then see a reset, and the server emits neither
 * `'error'` nor `'drop'` (seen with Node 24). There is no descriptor left then for the upstream of an accepted
 * connection, for a scrape or for a look into the kernel's tables. So connections that nobody misses make room before
 * that; where there are none, new ones are turned away, and the log says so.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Log } from '../observe/log/log.ts';
import { Summary } from '../observe/log/summary.ts';

/** Descriptors that no client gets: for the admin port, files, names, and what Node and the kernel's tables need. */
const kept = 12;
/** How many of them the ports of operators leave to the others. */
const keptFromOperators = 6;
/** Where the kernel does not tell how many are open, it is found out whether there are so many more. */
const mostTried = 64;
/** The part of what is left that may be given away before it is counted again. Others open files too. */
const surePart = 1 / 2;

export class Descriptors {
  /** How many files the process may have open; `Infinity` where that is not known. */
  readonly limit = readLimit();
  readonly #turnedAway: Summary;
  readonly #makeRoom: () => boolean;
  readonly #countFree: (limit: number) => number;
  /** So many may be given away without counting. */
  #sure = 0;

  /** `makeRoom` ends a connection that nobody misses, whose descriptor is free then; `false` where there is none. */
  constructor(log: Log, makeRoom: () => boolean, countFree = freeDescriptors) {
    this.#makeRoom = makeRoom;
    this.#countFree = countFree;
    this.#turnedAway = new Summary((count) => {
      log.tell('descriptors_exhausted', { turned_away: count, limit: this.limit });
    });
  }

  /** Whether one more client, with its upstream, could stay if `more` connections made room. */
  couldAdmit(more: number): boolean {
    return this.#countFree(this.limit) + more >= kept + 2;
  }

  /** Whether a client may stay that has its descriptor already and will need another for its upstream. */
  admit(): boolean {
    if (this.#takeSure() || this.#ensure(kept + 1)) return true;
    this.#turnedAway.add();
    return false;
  }

  /** Whether a connection to an upstream may be opened beside `begun` others that have no descriptor yet. */
  admitDial(begun: number): boolean {
    return this.#takeSure() || this.#ensure(kept + begun + 1);
  }

  /** Whether so many descriptors more may be had although nobody makes room for them. */
  spares(more: number): boolean {
    return this.#countFree(this.limit) >= kept + more;
  }

  /** Whether a connection of operators that has its descriptor already may stay. */
  admitOperator(): boolean {
    return this.#takeSure() || this.#ensure(kept) || this.#countFree(this.limit) >= keptFromOperators;
  }

  /** Makes room until so many are free. Returns whether they are. */
  #ensure(needed: number): boolean {
    let left = this.#countFree(this.limit) - needed;
    if (left < 0) {
      for (let missing = -left; missing > 0 && this.#makeRoom(); missing--);
      // What has made room counts as free when it is.
      left = this.#countFree(this.limit) - needed;
    }
    this.#sure = Math.max(0, Math.floor(left * surePart));
    return left >= 0;
  }

  /** Counting costs more than everything else that is done here for a connection. */
  #takeSure(): boolean {
    if (this.#sure === 0) return false;
    this.#sure--;
    return true;
  }

  /** Logs what is still to be logged. */
  close(): void {
    this.#turnedAway.close();
  }
}

/**
 * How many files may be opened still, or so many at least. System calls on the relay's thread: these wait for nobody,
 * because `/proc` and the null device are the kernel's own. A file of any other kind could be a pipe or lie on a
 * network.
 */
function freeDescriptors(limit: number): number {
  try {
    // Linux tells it from 6.2 on; before, the size is 0.
    const { size } = statSync('/proc/self/fd');
    if (size > 0) return limit - size;
  } catch {
    // Another system, or no descriptor for the looking.
  }
  return openableFiles(mostTried);
}

/** How many files can be opened, `most` at most: tried, because the lowest free number says nothing of those above. */
export function openableFiles(most: number): number {
  const opened: number[] = [];
  try {
    while (opened.length < most) opened.push(openSync(devNull, 'r'));
  } catch {
    // There are no more.
  }
  for (const descriptor of opened) closeSync(descriptor);
  return opened.length;
}

/** Linux tells the limit of this process. Elsewhere only its exhaustion is seen. */
function readLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
