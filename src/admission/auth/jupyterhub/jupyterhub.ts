/**
 * `jupyterhub`: a service of a hub without code. Programs bring a token of the hub, browsers are signed in there, and
 * the hub says who they are.
 */
import type { JupyterHubAuth } from '../../../config/types.ts';
import { CredentialCache, cacheKey, notHeld } from '../cache.ts';
import { type Edits, joinEdits, noEdits } from '../edits.ts';
import { authorizationOf, cookieNamesOf, cookiesOf, isNavigation } from '../fields.ts';
import { ownText, weighIdentity, weighText } from '../identity.ts';
import { KindOf, letIn, withoutAuthorization } from '../judge.ts';
import {
  type Answered,
  type AuthFailure,
  type AuthIdentity,
  type AuthRequest,
  type Challenge,
  type Decision,
  type Life,
  lasting,
  refuse,
  type Standing,
} from '../types.ts';
import { hubUserOf, isSendableToken } from './hub.ts';
import {
  callbackPath,
  finishLogin,
  type LoginOptions,
  sendToHub,
  sessionCookie,
  sessionToken,
  signInCookies,
} from './login.ts';

export interface JupyterHubOptions extends LoginOptions, Pick<JupyterHubAuth, 'cacheMs' | 'recheckMs'> {
  /** The service's own token at the hub; `null` where its file could not be read yet. */
  readonly secret: () => string | null;
  /** A monotonic time in ms. */
  readonly monotonic: () => number;
}

/**
 * A browser has one, and those of other paths behind it. A thousand fit into a head, and looking at each takes 50 µs.
 */
const mostSessions = 8;
const unreadable = refuse('unavailable', 'the file of the token for the hub cannot be read', false);
const tooMany = refuse('unavailable', 'too many questions to the hub are under way', false);

export class JupyterHubJudge extends KindOf<JupyterHubOptions> {
  readonly kind = 'jupyterhub';
  readonly #known: CredentialCache<AuthIdentity | AuthFailure>;

  constructor(options: JupyterHubOptions) {
    super(options);
    this.#known = new CredentialCache(options.monotonic);
  }

  brings(request: AuthRequest): boolean {
    return tokensIn(request).length > 0 || this.#sessions(request).length > 0 || this.#isCallback(request);
  }

  override guessable(): boolean {
    return true;
  }

  override challenge(request: AuthRequest): Challenge {
    const secret = this.options.secret();
    if (secret === null || !isNavigation(request.method, request.headers)) return { authenticate: 'Bearer' };
    return { authenticate: 'Bearer', login: sendToHub(request, secret, this.options) };
  }

  override remembers(request: AuthRequest): boolean {
    const secret = this.options.secret();
    if (secret === null || this.#isCallback(request)) return false;
    const [token = this.#sessionToken(request, secret), ...more] = new Set(tokensIn(request));
    return token !== undefined && more.length === 0 && this.#known.get(this.#keyOf(token, request)) !== undefined;
  }

  override own(request: AuthRequest): Edits {
    const edits = this.#withoutCookies(request);
    return tokensIn(request).length > 0 ? joinEdits(withoutAuthorization, edits) : edits;
  }

  async decide(request: AuthRequest): Promise<Decision> {
    const secret = this.options.secret();
    if (secret === null) return unreadable;
    if (this.#isCallback(request)) return finishLogin(request, secret, this.options);
    const [token, ...more] = new Set(tokensIn(request));
    if (more.length > 0) return refuse('several', 'there are several tokens');
    // A program says by its token who it is, whatever cookies its browser has besides.
    return token === undefined ? this.#judgeSession(request, secret) : this.#judge(token, request);
  }

  async #judgeSession(request: AuthRequest, secret: string): Promise<Decision> {
    const token = this.#sessionToken(request, secret);
    const decision = token === undefined ? lapsed : await this.#judge(token, request);
    const isOver = decision === lapsed || (decision.is === 'refused' && decision.result === 'unknown');
    if (!isOver) return decision;
    // Who has signed out, or whose session is older than the service's token, signs in again.
    return isNavigation(request.method, request.headers) ? this.#login(request, secret) : lapsed;
  }

  #login(request: AuthRequest, secret: string): Answered {
    const answer = sendToHub(request, secret, this.options);
    return { is: 'answered', answer, result: 'relayed', detail: 'the session is over: sent to the hub' };
  }

  async #judge(token: string, request: AuthRequest): Promise<Decision> {
    if (!isSendableToken(token)) return refuse('malformed', 'the token is none of a hub');
    const { monotonic, cacheMs } = this.options;
    const key = this.#keyOf(token, request);
    const found = await this.#known.find(
      key,
      () => hubUserOf(token, this.options),
      (user) => ('is' in user ? notHeld : { until: monotonic() + cacheMs, bytes: weighIdentity(user) }),
    );
    if (found === null) return tooMany;
    if ('is' in found) return found;
    const edits = joinEdits(withoutAuthorization, this.#withoutCookies(request));
    return letIn(found, edits, this.#lifeOf(token, key, found.name));
  }

  /**
   * The hub gives a browser another session id when it signs in anew: what was known of the one before is not asked
   * again.
   */
  #keyOf(token: string, { headers }: AuthRequest): string {
    const [session = ''] = cookiesOf(headers, 'jupyterhub-session-id');
    return cacheKey('jupyterhub', token, session);
  }

  #lifeOf(token: string, key: string, name: string): Life {
    const { recheckMs } = this.options;
    if (recheckMs === 0) return lasting;
    const kept = ownText(token);
    const ask = async (): Promise<Standing> => {
      const user = await hubUserOf(kept, this.options);
      if (!('is' in user) && user.name === name) return 'stays';
      if ('is' in user && user.result === 'unavailable') return 'unknown';
      // What was known is known better: whoever is sent away comes back at once.
      this.#known.forget(key);
      return 'goes';
    };
    return { endsAtMs: null, recheck: { everyMs: recheckMs, bytes: weighText(kept), ask } };
  }

  /** Neither the session goes on, nor what a sign-in in another tab has left. */
  #withoutCookies({ headers }: AuthRequest): Edits {
    const { service } = this.options;
    return { ...noEdits, cookies: cookieNamesOf(headers, signInCookies(service)).add(sessionCookie(service)) };
  }

  /** What the first session that is one of ours holds. */
  #sessionToken(request: AuthRequest, secret: string): string | undefined {
    for (const sealed of this.#sessions(request)) {
      const token = sessionToken(sealed, secret, this.options.service);
      if (token !== null) return token;
    }
    return undefined;
  }

  #sessions({ headers }: AuthRequest): string[] {
    const sessions: string[] = [];
    for (const sealed of cookiesOf(headers, sessionCookie(this.options.service))) {
      if (sessions.push(sealed) === mostSessions) break;
    }
    return sessions;
  }

  #isCallback({ method, target }: AuthRequest): boolean {
    return method === 'GET' && target.split('?', 1)[0] === callbackPath(this.options.prefix);
  }
}

const lapsed = refuse('expired', 'the session at the hub is over', false);

/** `token` is JupyterHub's own scheme. */
function tokensIn({ headers }: AuthRequest): string[] {
  return [...authorizationOf(headers, 'token'), ...authorizationOf(headers, 'bearer')];
}
