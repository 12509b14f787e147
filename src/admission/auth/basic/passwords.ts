/**
 * Asks a thread whether passwords match. The thread begins with the first question and ends when none has come for a
 * while.
 */
import { Worker } from 'node:worker_threads';

/** What the thread is asked. */
export interface PasswordQuestion {
  readonly id: number;
  readonly hash: string;
  readonly password: string;
}

/** Whether a password matches a hash; `null` where too many questions wait already, or the thread has failed. */
export type ComparePassword = (hash: string, password: string) => Promise<boolean | null>;

/** A quarter of a second each at the usual cost: whoever comes behind so many has given up before his turn. */
const mostWaiting = 32;
/** An idle thread keeps 10 MB. */
const idleMs = 30_000;

/** The same ending as this file: `.ts` from the sources, `.js` from the package. */
const thread = new URL(`./password-thread${import.meta.url.slice(-3)}`, import.meta.url);

/** Throws where the system gives no thread. */
function startThread(): Worker {
  return new Worker(thread, { resourceLimits: { maxYoungGenerationSizeMb: 8 } });
}

export class Passwords {
  readonly #newThread: () => Worker;
  readonly #waiting = new Map<number, (matches: boolean | null) => void>();
  #worker: Worker | null = null;
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(newThread = startThread) {
    this.#newThread = newThread;
  }

  /** Questions that have no answer yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  readonly compare: ComparePassword = (hash, password) => {
    if (this.#waiting.size >= mostWaiting) return Promise.resolve(null);
    clearTimeout(this.#idle);
    let worker: Worker;
    try {
      worker = this.#worker ?? this.#start();
    } catch {
      // The system gives no thread now. It may give one to whoever comes next.
      return Promise.resolve(null);
    }
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<boolean | null>();
    this.#waiting.set(id, resolve);
    worker.postMessage({ id, hash, password } satisfies PasswordQuestion);
    return promise;
  };

  close(): void {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = null;
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    void worker?.terminate();
  }

  #start(): Worker {
    const worker = this.#newThread();
    this.#worker = worker;
    // The process does not stay for it.
    worker.unref();
    worker.on('message', ({ id, matches }: { readonly id: number; readonly matches: boolean }) => {
      this.#waiting.get(id)?.(matches);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.close(), idleMs).unref();
    });
    const failed = () => {
      if (this.#worker === worker) this.close();
    };
    worker.on('error', failed).on('exit', failed);
    return worker;
  }
}
