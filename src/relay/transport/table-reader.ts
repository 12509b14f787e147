/**
 * Readings of the kernel's tables, made by a thread that lives while they are wanted. One reading serves all who ask at
 * about the same time. Nobody waits for the thread: where there is none, or no answer in time, nothing is known.
 */
import { Worker } from 'node:worker_threads';

/** Longer than a tick, so that whoever asks again finds what was read for it. */
const readingLastsMs = 400;
/** At most this share of the time goes into reading. */
const shareOfTime = 1 / 4;
/** A reading of 45 000 rows takes a tenth of a second. One that takes longer than this is given up. */
const longestReadingMs = 20_000;
/** How long no thread is begun after one that failed. */
const restMs = 60_000;
/** A thread costs a few megabytes: it ends when nobody has asked for this time. */
const idleMs = 30_000;

/** The same ending as this file: `.ts` from the sources, `.js` from the package. */
const script = new URL(`./kernel-thread${import.meta.url.slice(-3)}`, import.meta.url);

/** A reading of the tables: see kernel-tables.ts. */
export interface Tables {
  readonly rows: Buffer;
  /** When it was asked for. */
  readonly at: number;
  readonly lastsMs: number;
}

/** What the thread answers. */
export interface Reading {
  readonly rows: Uint8Array;
  /** Without the time that the thread itself took to begin. */
  readonly tookMs: number;
}

/** What is used of a thread. */
export type Thread = Pick<Worker, 'on' | 'postMessage' | 'terminate'>;

export class TableReader {
  readonly #begin: () => Thread;
  #thread: Thread | null = null;
  #last: Tables | null = null;
  /** When the reading under way was asked for, as its asker has it; `null` without one. */
  #askedAt: number | null = null;
  #idle: NodeJS.Timeout | null = null;

  constructor(begin: () => Thread = beginThread) {
    this.#begin = begin;
  }

  /** The last reading, or `pending` where that is too old and another one has been asked for. */
  tables(now: number): Tables | 'pending' {
    if (this.#last !== null && now - this.#last.at <= this.#last.lastsMs) return this.#last;
    if (this.#askedAt === null) this.#ask(now);
    else if (now - this.#askedAt > longestReadingMs) return unknown(now);
    return 'pending';
  }

  /** Lets go of a reading that is too old: with thousands of sockets it is large. */
  forget(now: number): void {
    if (this.#last !== null && now - this.#last.at > this.#last.lastsMs) this.#last = null;
  }

  #ask(now: number): void {
    this.#askedAt = now;
    try {
      this.#thread ??= this.#started();
      this.#thread.postMessage(null);
      this.#idle ??= setTimeout(() => this.#end(), idleMs).unref();
      this.#idle.refresh();
    } catch {
      this.#onFailed();
    }
  }

  #started(): Thread {
    const thread = this.#begin();
    thread.on('message', (reading: Reading) => {
      if (this.#thread === thread) this.#onRead(reading);
    });
    for (const event of ['error', 'exit']) {
      thread.on(event, () => {
        if (this.#thread === thread) this.#onFailed();
      });
    }
    return thread;
  }

  #onRead({ rows, tookMs }: Reading): void {
    const lastsMs = Math.max(readingLastsMs, tookMs / shareOfTime);
    this.#last = { rows: Buffer.from(rows.buffer), at: this.#askedAt!, lastsMs };
    this.#askedAt = null;
  }

  #onFailed(): void {
    if (this.#askedAt !== null) this.#last = { ...unknown(this.#askedAt), lastsMs: restMs };
    this.#end();
  }

  #end(): void {
    const thread = this.#thread;
    this.#thread = null;
    this.#askedAt = null;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    void thread?.terminate();
  }
}

function unknown(at: number): Tables {
  return { rows: Buffer.alloc(0), at, lastsMs: 0 };
}

function beginThread(): Thread {
  // The thread needs little memory. With limits of its own, running out of it ends the thread and not the process.
  const worker = new Worker(script, { resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 } });
  // The thread does not keep the process alive.
  worker.unref();
  return worker;
}
