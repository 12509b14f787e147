/**
 * The key set of an issuer, fetched from a URL and kept:
 *
 *   none ──► fetched, fresh ──► older than it may be: fetched again meanwhile; if that fails the old set stays
 *              └ a token of a key that is not in it: fetched again, but not twice within the floor
 */
import { valuesOf } from '../../../http/raw-fields.ts';
import { workAside } from '../../../mistakes.ts';
import type { Asker } from '../asker.ts';
import { type KeySet, parseKeySet } from './key-set.ts';

export interface RemoteKeysOptions {
  readonly ask: Asker;
  /** Path and query of the set. */
  readonly path: string;
  /** How long a set is fresh, in ms. */
  readonly freshMs: number;
  /** A monotonic time in ms. */
  readonly now: () => number;
  /** Told of each attempt; `problem` is `null` where it brought a set. */
  readonly fetched: (problem: string | null) => void;
}

/** Whoever invents key ids causes one question in this time. */
const floorMs = 30_000;
/** A set of a few keys has 5 KB. */
const longestSet = 512 * 1024;

export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  #keys: KeySet | null = null;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | null = null;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  /** The set; `null` where there has never been one. */
  keys(): KeySet | Promise<KeySet | null> {
    const { now, freshMs } = this.#options;
    if (this.#keys === null) return this.#fetch().then(() => this.#keys);
    if (now() - this.#fetchedAt >= freshMs) workAside(this.#fetch());
    return this.#keys;
  }

  /**
   * The set after another look, because a key is not in it; `null` where it is too early for that, or nothing new
   * came.
   */
  async newer(than: KeySet): Promise<KeySet | null> {
    if (this.#keys === than) await this.#fetch();
    return this.#keys === than ? null : this.#keys;
  }

  #fetch(): Promise<void> {
    const { now } = this.#options;
    if (this.#fetching !== null) return this.#fetching;
    // Before there is a set everything waits for it: then the floor is a tenth.
    if (now() - this.#triedAt < (this.#keys === null ? floorMs / 10 : floorMs)) return Promise.resolve();
    this.#triedAt = now();
    this.#fetching = this.#ask().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #ask(): Promise<void> {
    const { ask, path, fetched, now } = this.#options;
    const question = { method: 'GET', path, fields: [['Accept', 'application/json']], mostBytes: longestSet } as const;
    const answer = await ask(question);
    if ('problem' in answer) return fetched(answer.problem);
    if (answer.status !== 200) return fetched(`the answer is ${answer.status}`);
    const isPlain = valuesOf(answer.fields, 'content-encoding').every((coding) => coding.toLowerCase() === 'identity');
    if (!isPlain) return fetched('the answer is compressed, which nobody asked for');
    // Without the mark that some editors put before a text.
    const parsed = parseKeySet(new TextDecoder().decode(answer.body));
    if ('problem' in parsed) return fetched(`the answer ${parsed.problem}`);
    this.#keys = parsed.value;
    this.#fetchedAt = now();
    fetched(null);
  }
}
