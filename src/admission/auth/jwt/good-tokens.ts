/**
 * Tokens that were found good, for a while: a page is 80 requests with the same one, and looking at its signature takes
 * 80 µs. What is kept says no more than the token and the rules did:
 *
 *   asked ──► known, of these keys, within its own times ──► good
 *     └ not known, or kept for a minute, or past its end: verified; only what is good is kept
 *
 * Another set of keys forgets all. Whether the user has been shut out is asked behind this, for each request.
 */
import { CredentialCache, cacheKey, notHeld } from '../cache.ts';
import { weighIdentity } from '../identity.ts';
import type { AuthFailure } from '../types.ts';
import type { KeySet } from './key-set.ts';
import { type GoodToken, isCurrent, type TokenRules, verifyToken } from './verify.ts';

type Found = GoodToken | AuthFailure | 'no key';

/** A page is loaded by then. */
const keptMs = 60_000;

export interface GoodTokensOptions {
  readonly rules: TokenRules;
  /** Milliseconds since 1970: the token's own times. */
  readonly now: () => number;
  /** A monotonic time in ms: how long it is kept. */
  readonly monotonic: () => number;
}

export class GoodTokens {
  readonly #options: GoodTokensOptions;
  #keys: KeySet | null = null;
  #known: CredentialCache<Found>;

  constructor(options: GoodTokensOptions) {
    this.#options = options;
    this.#known = new CredentialCache(options.monotonic);
  }

  /** Tokens that are kept. */
  get size(): number {
    return this.#known.size;
  }

  /** Judges a token by a set of keys; `'no key'` where none of it fits. */
  find(token: string, keys: KeySet): Found | Promise<Found> {
    const { rules, now, monotonic } = this.#options;
    if (keys !== this.#keys) {
      this.#keys = keys;
      // What is being verified with the keys before comes to the cache before.
      this.#known = new CredentialCache(monotonic);
    }
    const key = cacheKey(token);
    const known = this.#known.get(key);
    if (known !== undefined && this.#isCurrent(known)) return known;
    this.#known.forget(key);
    const verify = () => verifyToken(token, keys, rules, now());
    const found = this.#known.find(key, verify, (one) =>
      isGood(one) ? { until: monotonic() + keptMs, bytes: weighIdentity(one.identity) } : notHeld,
    );
    // Nobody is turned away because others have come with as many tokens.
    return found ?? verify();
  }

  /** Whether a token is known to be good by this set of keys. */
  has(token: string, keys: KeySet): boolean {
    const known = keys === this.#keys ? this.#known.get(cacheKey(token)) : undefined;
    return known !== undefined && this.#isCurrent(known);
  }

  #isCurrent(found: Found): boolean {
    const { rules, now } = this.#options;
    return isGood(found) && isCurrent(found, rules, now());
  }
}

function isGood(found: Found): found is GoodToken {
  return found !== 'no key' && !('is' in found);
}
