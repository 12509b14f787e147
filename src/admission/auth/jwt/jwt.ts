/** `jwt`: a signed token of an identity provider. */
import type { TokenPlace } from '../../../config/types.ts';
import { noEdits } from '../edits.ts';
import { KindOf, letIn } from '../judge.ts';
import { type AuthRequest, type Challenge, type Decision, refuse } from '../types.ts';
import type { KeySet } from './key-set.ts';
import { tokensIn, withoutTokens } from './token-places.ts';
import { type TokenRules, verifyToken } from './verify.ts';

/** Where the keys come from. */
export interface KeySource {
  /** `null` where there has never been a set. */
  keys(): Promise<KeySet | null>;
  /** Another set than this one, because a key is not in it; `null` where there is none. */
  newer(than: KeySet): Promise<KeySet | null>;
}

export interface JwtOptions {
  readonly rules: TokenRules;
  readonly from: readonly TokenPlace[];
  readonly keys: KeySource;
  /** Whether the upstream gets the token too. */
  readonly forward: boolean;
  /** Whether a connection ends with the token. */
  readonly closesOnExpiry: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export class JwtJudge extends KindOf<JwtOptions> {
  readonly kind = 'jwt';
  override readonly guessable = true;

  brings(request: AuthRequest): boolean {
    return tokensIn(this.options.from, request).length > 0;
  }

  override challenge(): Challenge {
    return { authenticate: 'Bearer' };
  }

  async decide(request: AuthRequest): Promise<Decision> {
    const { from, rules, forward, closesOnExpiry, now } = this.options;
    // Which of them the backend would read is not known.
    const [token, ...more] = new Set(tokensIn(from, request));
    if (more.length > 0) return refuse('several', `there are ${more.length + 1} different tokens`);
    const verified = await this.#verify(token!);
    if ('is' in verified) return verified;
    const edits = forward ? noEdits : withoutTokens(from, request);
    if (!closesOnExpiry) return letIn(verified, edits);
    // What was let in by the leeway lives as long as the leeway says.
    const endsAtMs = Math.max(verified.expiresAtMs!, now()) + rules.leewayMs;
    return letIn(verified, edits, { endsAtMs, recheck: null });
  }

  async #verify(token: string) {
    const { keys, rules, now } = this.options;
    const first = await keys.keys();
    if (first === null) return refuse('unavailable', 'the keys of the issuer could not be had', false);
    const verified = await verifyToken(token, first, rules, now());
    if (verified !== 'no key') return verified;
    const second = await keys.newer(first);
    const again = second === null ? 'no key' : await verifyToken(token, second, rules, now());
    return again === 'no key' ? refuse('key', 'no key of the issuer fits the token') : again;
  }
}
