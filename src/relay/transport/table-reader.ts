/**
 * Readings of the kernel's tables, a piece in each round of the event loop. One reading serves all who ask at about the
 * same time. Nobody waits for one: what is not known yet is asked for again.
 *
 * The kernel gives 4 KB a read, whatever is asked, in 45 µs (measured); such a file waits for no disk. A thread would
 * read beside the loop, and costs 18 to 40 MB (measured). Node's own threads would make a trip through the loop of each
 * read, which takes seconds on a busy one.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { KernelTable } from './kernel-tables.ts';

/** Longer than a tick, so that whoever asks again finds what was read for it. */
const readingLastsMs = 400;
/** At most this share of the time goes into reading. */
const shareOfTime = 1 / 20;
/** A reading that nobody has waited for in so long is of another time. */
const forgottenMs = 2000;
/** How long one round of the event loop reads: a message that waits for it does not notice. */
const sliceMs = 1;
/** What both tables take together at most, in bytes: 400 000 sockets. What stands behind is not known. */
const mostBytes = 64 * 1024 * 1024;

/** A reading of the tables. */
export interface Tables {
  readonly table: KernelTable;
  /** When it was asked for. */
  readonly at: number;
  readonly lastsMs: number;
}

/** Reads on with each step, and returns the table at the end. */
export type Reading = Iterator<void, KernelTable>;

export class TableReader {
  readonly #begin: () => Reading;
  #last: Tables | null = null;
  /** When the last reading was given to somebody first, or nobody wanted it. */
  #givenAt: number | null = null;
  /** When somebody was last told to ask again. */
  #wantedAt = 0;
  #isReading = false;

  constructor(begin: () => Reading = readTables) {
    this.#begin = begin;
  }

  /** The last reading, or `pending` where that is too old and another one is under way. */
  tables(now: number): Tables | 'pending' {
    if (this.#givenAt === null && now - this.#wantedAt > forgottenMs) this.#last = null;
    if (this.#last !== null && this.#age(now) <= this.#last.lastsMs) return this.#last;
    if (!this.#isReading) {
      this.#isReading = true;
      this.#readOn(this.#begin(), now, 0);
    }
    this.#wantedAt = now;
    return 'pending';
  }

  /** Lets go of a reading that is too old: with thousands of sockets it is large. */
  forget(now: number): void {
    if (this.#last !== null && this.#age(now) > this.#last.lastsMs) this.#last = null;
  }

  /** A busy event loop takes long for a reading: whoever asked for it shall find it. */
  #age(now: number): number {
    this.#givenAt ??= now;
    return now - this.#givenAt;
  }

  #readOn(reading: Reading, askedAt: number, tookMs: number): void {
    setImmediate(() => {
      const started = performance.now();
      let step = nextOf(reading);
      let sliceTookMs = performance.now() - started;
      while (step.done !== true && sliceTookMs < sliceMs) {
        step = nextOf(reading);
        sliceTookMs = performance.now() - started;
      }
      if (step.done !== true) {
        this.#readOn(reading, askedAt, tookMs + sliceTookMs);
        return;
      }
      this.#isReading = false;
      this.#givenAt = null;
      const lastsMs = Math.max(readingLastsMs, (tookMs + sliceTookMs) / shareOfTime);
      this.#last = { table: step.value, at: askedAt, lastsMs };
    });
  }
}

/** What cannot be read tells nothing of any socket, and must not end the process: nobody waits here to hear of it. */
function nextOf(reading: Reading): IteratorResult<void, KernelTable> {
  try {
    return reading.next();
  } catch {
    return { done: true, value: new KernelTable() };
  }
}

/** Each read overwrites what the one before has left. Longer than one read and a line. */
const buffer = new Uint8Array(8 * 1024);

/** Reads both tables, one read in each step. */
function* readTables(): Generator<void, KernelTable> {
  const table = new KernelTable();
  yield* readTable('/proc/self/net/tcp', 1, table);
  yield* readTable('/proc/self/net/tcp6', 4, table);
  return table;
}

/** Adds nothing on other systems, without IPv6, and while no file can be opened. */
function* readTable(path: string, addressWords: 1 | 4, table: KernelTable): Generator<void, void> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return;
  }
  try {
    let rest = 0;
    for (let read = 0; read < mostBytes; ) {
      const length = readSync(file, buffer, rest, buffer.length - rest, null);
      if (length === 0) return;
      read += length;
      const end = rest + length;
      const used = table.add(buffer.subarray(0, end), addressWords);
      buffer.copyWithin(0, used, end);
      rest = end - used;
      yield;
    }
  } finally {
    closeSync(file);
  }
}
