/**
 * Whether the process runs out of file descriptors.
 *
 * When it has none left, Node tells nobody: libuv accepts what waits with a descriptor that it kept for this and closes it
 * at once, so that clients see a reset and the server emits neither `'error'` nor `'drop'` (seen with Node 24). Nor is
 * there one left then for the upstream of a connection that was accepted, for a scrape or for a look into the kernel's
 * tables. So new connections are turned away before, and that is logged.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Log } from '../log.ts';

/** What is kept for upstreams of the last connections, for the admin port, and for what Node and the kernel's tables need. */
const reserve = 16;
/** What a connection to an upstream leaves of that: for the admin port, Node and the kernel's tables. */
const dialReserve = 6;
/** One line at once, then at most one per interval, with the sum. */
const logIntervalMs = 10_000;

export class Descriptors {
  readonly #log: Log;
  readonly #limit = readLimit();
  #turnedAway = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether one more connection could stay. */
  get hasRoom(): boolean {
    return nextDescriptor() < this.#limit - reserve;
  }

  /** Whether one more connection may stay; where not, that is counted and logged. */
  admit(): boolean {
    if (this.hasRoom) return true;
    this.#turnedAway++;
    if (this.#timer === null) this.#report();
    return false;
  }

  /**
   * Whether a connection to an upstream may be opened beside `begun` others that have no descriptor yet. Those who were
   * admitted last come here too, so they find some descriptors that no further client is admitted to.
   */
  admitDial(begun: number): boolean {
    return nextDescriptor() + begun < this.#limit - dialReserve;
  }

  /** Logs what is still to be logged. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#turnedAway > 0) this.#write();
  }

  #report(): void {
    this.#write();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#turnedAway > 0) this.#report();
    }, logIntervalMs).unref();
  }

  #write(): void {
    this.#log.error(
      { event: 'descriptors_exhausted', turned_away: this.#turnedAway, limit: this.#limit },
      'new connections are turned away: the process may open no more files; raise its limit (ulimit -n)',
    );
    this.#turnedAway = 0;
  }
}

/** The kernel gives the lowest number that is free: as many descriptors, or more, are in use. It costs two system calls. */
function nextDescriptor(): number {
  try {
    const descriptor = openSync(devNull, 'r');
    closeSync(descriptor);
    return descriptor;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Linux tells the limit of this process; elsewhere only its exhaustion is seen. */
function readLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
