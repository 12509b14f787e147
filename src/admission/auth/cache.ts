/**
 * What was found out about credentials, for a while. The key is an HMAC with a secret of this process: nothing in
 * memory, in a dump or in the time that a look-up takes says what the credentials were, and nobody can make two of
 * them meet.
 */
import { createHmac, randomBytes } from 'node:crypto';

const secret = randomBytes(32);

/** A key for credentials. The parts cannot run into each other. */
export function cacheKey(...parts: readonly string[]): string {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part);
  return hmac.digest('base64');
}

interface Entry<T> {
  readonly value: T;
  readonly until: number;
}

/** Whoever needs more entries at once asks more often; each takes half a kilobyte. */
const mostEntries = 4096;
/** Questions under way. */
const mostPending = 256;

export class CredentialCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #pending = new Map<string, Promise<T>>();
  readonly #now: () => number;

  /** `now` is a time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** What is known, and not too old. */
  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.until > this.#now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, until: number): void {
    if (until <= this.#now()) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    // The oldest go first: they end soonest.
    for (const old of this.#entries.keys()) {
      if (this.#entries.size <= mostEntries) break;
      this.#entries.delete(old);
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  /**
   * Finds out what is not known: those who ask for the same while one asks share its answer. `until` says how long
   * the answer holds, 0 not at all. `null` where too many questions are under way.
   */
  find(key: string, ask: () => Promise<T>, until: (value: T) => number): T | Promise<T> | null {
    const known = this.get(key);
    if (known !== undefined) return known;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= mostPending) return null;
    const asked = ask()
      .then((value) => {
        this.set(key, value, until(value));
        return value;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, asked);
    return asked;
  }
}
