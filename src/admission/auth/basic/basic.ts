/**
 * `basic`: names and passwords (RFC 7617), for a workshop or a script. Browsers ask for them in a dialogue of their
 * own.
 */
import { isUtf8 } from 'node:buffer';
import { CredentialCache, cacheKey, notHeld } from '../cache.ts';
import { type Edits, noEdits } from '../edits.ts';
import { authorizationOf } from '../fields.ts';
import { identityOf } from '../identity.ts';
import { KindOf, letIn, withoutAuthorization } from '../judge.ts';
import { type AuthRequest, type Challenge, type Decision, refuse } from '../types.ts';
import type { ComparePassword } from './passwords.ts';
import type { Users } from './users.ts';

export interface BasicOptions {
  /** What the file holds now; `null` where it could not be read yet. */
  readonly users: () => Users | null;
  readonly compare: ComparePassword;
  /** Whether the upstream gets the password too. */
  readonly forward: boolean;
  /** A time in milliseconds. */
  readonly now: () => number;
}

/** Nobody types more than these. */
const longestPassword = 1024;
/** A page is 80 requests, each with the password; comparing takes as long as it is made to take. */
const rememberedMs = 5 * 60_000;
const wrongMs = 2000;
const busy = refuse('unavailable', 'too many passwords wait to be compared', false);
const wrong = refuse('unknown', 'the name or the password is wrong');

export class BasicJudge extends KindOf<BasicOptions> {
  readonly kind = 'basic';
  readonly #known: CredentialCache<boolean | null>;

  constructor(options: BasicOptions) {
    super(options);
    this.#known = new CredentialCache(options.now);
  }

  brings({ headers }: AuthRequest): boolean {
    return authorizationOf(headers, 'basic').length > 0;
  }

  override guessable(): boolean {
    return true;
  }

  override challenge(): Challenge {
    return { authenticate: 'Basic realm="Sluice", charset="UTF-8"' };
  }

  override own(request: AuthRequest): Edits {
    return this.brings(request) && !this.options.forward ? withoutAuthorization : noEdits;
  }

  override forwarded(): Edits {
    return this.options.forward ? withoutAuthorization : noEdits;
  }

  decide({ headers }: AuthRequest): Decision | Promise<Decision> {
    const [credentials, ...more] = authorizationOf(headers, 'basic') as [string, ...string[]];
    if (more.length > 0) return refuse('several', 'there are several passwords');
    if (credentials.length > 2 * longestPassword) return refuse('too_long', 'the password is too long');
    const pair = decode(credentials);
    if (pair === null) return refuse('malformed', 'the credentials are no base64 of NAME:PASSWORD');
    const users = this.options.users();
    if (users === null) return refuse('unavailable', 'the file of users cannot be read', false);
    const { name, password } = pair;
    const hash = users.get(name);
    // Whoever does not exist takes as long as whoever does.
    const compared = hash ?? users.values().next().value!;
    const found = this.#known.find(
      cacheKey('basic', name, password, compared),
      () => this.options.compare(compared, password),
      (matches) => {
        if (matches === null) return notHeld;
        // What is right for somebody else is wrong for nobody, and must not be told by how long it is remembered.
        return { until: this.options.now() + (matches && hash !== undefined ? rememberedMs : wrongMs), bytes: 0 };
      },
    );
    const judge = (matches: boolean | null): Decision => {
      if (matches === null) return busy;
      const identity = matches && hash !== undefined ? identityOf(name, []) : null;
      if (identity === null) return wrong;
      return letIn(identity, this.options.forward ? noEdits : withoutAuthorization);
    };
    return found instanceof Promise ? found.then(judge) : judge(found);
  }
}

function decode(credentials: string): { readonly name: string; readonly password: string } | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credentials)) return null;
  const bytes = Buffer.from(credentials, 'base64');
  const text = bytes.toString();
  // RFC 7617 §2. Read as text, bytes that are no UTF-8 would all be the same; and to bcrypt `x` is `x`, NUL, `x`.
  if (!isUtf8(bytes) || /\p{Cc}/u.test(text)) return null;
  const colon = text.indexOf(':');
  return colon < 1 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
