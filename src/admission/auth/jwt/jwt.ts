/** `jwt`: a signed token of an identity provider. */
import type { JwtAuth } from '../../../config/types.ts';
import { type Edits, noEdits } from '../edits.ts';
import { KindOf, letIn } from '../judge.ts';
import { type AuthFailure, type AuthRequest, type Challenge, type Decision, refuse } from '../types.ts';
import { GoodTokens } from './good-tokens.ts';
import type { KeySet } from './key-set.ts';
import { tokenIn, withoutTokens } from './token-places.ts';
import { expired, type GoodToken, isCompact, isCurrent, refuseShape, type TokenRules, verifyToken } from './verify.ts';

/** Where the keys come from. */
export interface KeySource {
  /** `null` where there has never been a set. */
  keys(): KeySet | null | Promise<KeySet | null>;
  /** Another set than this one, because a key is not in it; `null` where there is none. */
  newer(than: KeySet): Promise<KeySet | null>;
}

export interface JwtOptions extends Pick<JwtAuth, 'from' | 'forward' | 'closesOnExpiry'> {
  readonly rules: TokenRules;
  readonly keys: KeySource;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A monotonic time in ms. */
  readonly monotonic: () => number;
}

const noKeys = refuse('unavailable', 'the keys of the issuer could not be had', false);
const several = refuse('several', 'there are different tokens, or one too often');
const noFittingKey = refuse('key', 'no key of the issuer fits the token');

export class JwtJudge extends KindOf<JwtOptions> {
  readonly kind = 'jwt';
  readonly #known: GoodTokens;

  constructor(options: JwtOptions) {
    super(options);
    this.#known = new GoodTokens(options);
  }

  brings(request: AuthRequest): boolean {
    return tokenIn(this.options.from, request) !== 'none';
  }

  override recognises(request: AuthRequest): boolean {
    const found = tokenIn(this.options.from, request);
    return typeof found === 'string' || isCompact(found.token);
  }

  override guessable(): boolean {
    return true;
  }

  override challenge(): Challenge {
    return { authenticate: 'Bearer' };
  }

  override remembers(request: AuthRequest): boolean {
    const found = tokenIn(this.options.from, request);
    const keys = this.options.keys.keys();
    if (typeof found === 'string' || keys === null || keys instanceof Promise) return false;
    return refuseShape(found.token) === null && this.#known.has(found.token, keys);
  }

  override own(request: AuthRequest): Edits {
    return this.brings(request) && !this.options.forward ? withoutTokens(this.options.from, request) : noEdits;
  }

  override forwarded(request: AuthRequest): Edits {
    return this.options.forward ? withoutTokens(this.options.from, request) : noEdits;
  }

  decide(request: AuthRequest): Decision | Promise<Decision> {
    const found = tokenIn(this.options.from, request);
    if (typeof found === 'string') return several;
    const misshapen = refuseShape(found.token);
    if (misshapen !== null) return misshapen;
    const verified = this.#verify(found.token);
    return verified instanceof Promise
      ? verified.then((one) => this.#conclude(request, one))
      : this.#conclude(request, verified);
  }

  #conclude(request: AuthRequest, verified: GoodToken | AuthFailure): Decision {
    if ('is' in verified) return verified;
    const { rules, closesOnExpiry, now } = this.options;
    const { identity, expiresAtMs } = verified;
    // Whoever waited for keys or a thread may have waited beyond the end.
    if (!isCurrent(verified, rules, now())) return expired(expiresAtMs);
    const edits = this.own(request);
    if (!closesOnExpiry) return letIn(identity, edits);
    return letIn(identity, edits, { endsAtMs: expiresAtMs + rules.leewayMs, recheck: null });
  }

  #verify(token: string): GoodToken | AuthFailure | Promise<GoodToken | AuthFailure> {
    const keys = this.options.keys.keys();
    if (keys instanceof Promise) return keys.then((had) => this.#verifyBy(had, token));
    return this.#verifyBy(keys, token);
  }

  #verifyBy(keys: KeySet | null, token: string): GoodToken | AuthFailure | Promise<GoodToken | AuthFailure> {
    if (keys === null) return noKeys;
    const found = this.#known.find(token, keys);
    if (found instanceof Promise) return found.then((one) => (one === 'no key' ? this.#verifyAnew(keys, token) : one));
    return found === 'no key' ? this.#verifyAnew(keys, token) : found;
  }

  async #verifyAnew(than: KeySet, token: string): Promise<GoodToken | AuthFailure> {
    const { keys, rules, now } = this.options;
    const newer = await keys.newer(than);
    const found = newer === null ? 'no key' : await verifyToken(token, newer, rules, now());
    return found === 'no key' ? noFittingKey : found;
  }
}
