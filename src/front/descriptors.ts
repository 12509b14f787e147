/**
 * Whether the process runs out of file descriptors. Node tells nobody when it has none left: libuv accepts what waits
 * with a descriptor that it kept for this and closes it at once. Clients then see a reset, and the server emits neither
 * `'error'` nor `'drop'` (seen with Node 24). There is no descriptor left then for the upstream of an accepted
 * connection, for a scrape or for a look into the kernel's tables. So new connections are turned away before that, and
 * the log says so.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Log } from '../observe/log/log.ts';
import { Summary } from '../observe/log/summary.ts';

/**
 * Descriptors that are kept for upstreams of the last connections, for the admin port, and for what Node and the
 * kernel's tables need.
 */
const reserve = 16;
/** How many of the reserve a connection to an upstream must leave: for the admin port, Node and the kernel's tables. */
const dialReserve = 6;
/** If this part or less is left beside the reserve, connections that wait for a request make room for new ones. */
const scarcePart = 1 / 32;

/** The part of what is left that may be given away before it is counted again. Others open files too. */
const surePart = 1 / 8;

/** Whether a connection may stay: there is room, there is little left, there is none. */
export type Admission = 'room' | 'scarce' | 'none';

export class Descriptors {
  /** How many files the process may have open; `Infinity` where that is not known. */
  readonly limit = readLimit();
  readonly #turnedAway: Summary;
  /** So many may be given away without counting. */
  #sure = 0;

  constructor(log: Log) {
    this.#turnedAway = new Summary((count) => {
      log.tell('descriptors_exhausted', { turned_away: count, limit: this.limit });
    });
  }

  /** Whether one more connection could stay. */
  get hasRoom(): boolean {
    return nextDescriptor() < this.limit - reserve;
  }

  /** Whether one more connection may stay. If not, that is counted and logged. */
  admit(): Admission {
    if (this.#takeSure()) return 'room';
    const left = this.limit - reserve - nextDescriptor();
    if (left <= 0) this.#turnedAway.add();
    if (left <= 0) return 'none';
    const beyondScarce = left - this.limit * scarcePart;
    this.#sure = Math.max(0, Math.floor(beyondScarce * surePart));
    return beyondScarce < 0 ? 'scarce' : 'room';
  }

  /**
   * Whether a connection to an upstream may be opened beside `begun` others that have no descriptor yet. Clients that
   * were admitted last dial too, so some descriptors are kept from further clients for their dials.
   */
  admitDial(begun: number): boolean {
    return this.#takeSure() || nextDescriptor() + begun < this.limit - dialReserve;
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
 * The kernel gives the lowest number that is free: as many descriptors, or more, are in use. It costs two system
 * calls. They may be made on the relay's thread, because they wait for nobody: the null device is the kernel's own,
 * its name lies in a file system in memory, and opening and closing it does nothing. A file of any other kind could
 * be a pipe or lie on a network.
 */
function nextDescriptor(): number {
  try {
    const descriptor = openSync(devNull, 'r');
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
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
