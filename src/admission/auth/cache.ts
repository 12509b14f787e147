/**
 * What was found out about credentials, for a while. The key is a digest of them and of a secret of this process:
 * nothing in memory, in a dump or in the time that a look-up takes says what the credentials were, and nobody can make
 * two of them meet.
 */
import { createHash, randomBytes } from 'node:crypto';

/**
 * In front of what is digested, and always as long. Nobody is ever shown a digest, so nobody can lengthen one, which is
 * what an HMAC is for: that takes 9 µs for a token of 900 bytes, and this takes 1.
 */
const secret = randomBytes(32);

/** A key for credentials. The parts cannot run into each other. */
export function cacheKey(...parts: readonly string[]): string {
  const digest = createHash('sha256').update(secret);
  for (const part of parts) digest.update(`${Buffer.byteLength(part)}:`).update(part);
  return digest.digest('base64');
}

/** How a value is kept. */
export interface Hold {
  /** A time in ms; one that has passed is not at all. */
  readonly until: number;
  /** What the value takes in memory, roughly. */
  readonly bytes: number;
}

interface Entry<T> {
  readonly value: T;
  readonly until: number;
  readonly bytes: number;
}

/** The value is asked for again. */
export const notHeld: Hold = { until: Number.NEGATIVE_INFINITY, bytes: 0 };

/** Whoever needs more entries at once asks more often. */
const mostEntries = 4096;
/** What an entry takes beside its value. */
const entryBytes = 512;
/** So many of 2 KiB each. A user with a good cookie may bring it beside any others: each time is one more entry. */
const mostBytes = 8 * 1024 * 1024;
/** Questions under way. */
const mostPending = 256;

export class CredentialCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #pending = new Map<string, Promise<T>>();
  readonly #now: () => number;
  #bytes = 0;

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
    this.forget(key);
    return undefined;
  }

  set(key: string, value: T, { until, bytes }: Hold): void {
    if (until <= this.#now()) return;
    this.forget(key);
    this.#entries.set(key, { value, until, bytes: bytes + entryBytes });
    this.#bytes += bytes + entryBytes;
    // The oldest go first: they end soonest.
    for (const old of this.#entries.keys()) {
      if (this.#entries.size <= mostEntries && this.#bytes <= mostBytes) break;
      this.forget(old);
    }
  }

  forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  /**
   * Finds out what is not known: those who ask for the same while one asks share its answer. `hold` says how long the
   * answer is kept. `null` where too many questions are under way.
   */
  find(key: string, ask: () => Promise<T>, hold: (value: T) => Hold): T | Promise<T> | null {
    const known = this.get(key);
    if (known !== undefined) return known;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= mostPending) return null;
    const asked = ask()
      .then((value) => {
        this.set(key, value, hold(value));
        return value;
      })
      .finally(() => this.#pending.delete(key));
    this.#pending.set(key, asked);
    return asked;
  }
}
