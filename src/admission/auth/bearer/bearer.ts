/** `bearer`: static tokens for programs, in `Authorization: Bearer` (RFC 6750 §2.1). */
import { type Edits, noEdits } from '../edits.ts';
import { authorizationOf } from '../fields.ts';
import { identityOf } from '../identity.ts';
import { KindOf, letIn, withoutAuthorization } from '../judge.ts';
import { type AuthRequest, type Challenge, type Decision, refuse } from '../types.ts';
import { ownerOf, type Tokens } from './tokens.ts';

export interface BearerOptions {
  /** What the file holds now; `null` where it could not be read yet. */
  readonly tokens: () => Tokens | null;
  /** Whether the upstream gets the token too. */
  readonly forward: boolean;
}

/** With its name it fits into a line; no token of anybody is longer. */
const longestToken = 4096;

export class BearerJudge extends KindOf<BearerOptions> {
  readonly kind = 'bearer';

  brings({ headers }: AuthRequest): boolean {
    return authorizationOf(headers, 'bearer').length > 0;
  }

  override guessable(): boolean {
    return true;
  }

  override challenge(): Challenge {
    return { authenticate: 'Bearer' };
  }

  override own(request: AuthRequest): Edits {
    return this.brings(request) && !this.options.forward ? withoutAuthorization : noEdits;
  }

  override forwarded(): Edits {
    return this.options.forward ? withoutAuthorization : noEdits;
  }

  decide({ headers }: AuthRequest): Decision {
    const [token, ...more] = authorizationOf(headers, 'bearer') as [string, ...string[]];
    if (more.length > 0) return refuse('several', 'there are several tokens');
    if (token.length > longestToken) return refuse('too_long', `the token has ${token.length} characters`);
    const tokens = this.options.tokens();
    if (tokens === null) return refuse('unavailable', 'the file of tokens cannot be read', false);
    const identity = identityOf(ownerOf(tokens, token), []);
    if (identity === null) return refuse('unknown', 'nobody has this token');
    return letIn(identity, this.options.forward ? noEdits : withoutAuthorization);
  }
}
