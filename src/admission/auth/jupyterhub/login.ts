/**
 * Signing in at the hub with a browser, by OAuth, as jupyterhub's HubOAuth does:
 *
 *   a page without a session ─► the hub's authorize page, with a state that a cookie holds too ─► the callback,
 *     with a code ─► a token for the code ─► a cookie with the token, sealed ─► the page
 *       └ the cookie is gone (a late one, a second look at the callback): once more, and no third time
 *
 * What the state holds is sealed: the way back leads to where the browser was, and to nowhere else.
 */
import { createHash, randomBytes } from 'node:crypto';
import { queryOf } from '../../../http/query.ts';
import { cookiesOf, isNavigation } from '../fields.ts';
import { type Answered, type AuthFailure, type AuthRequest, type GivenAnswer, refuse } from '../types.ts';
import { type HubOptions, tokenFor } from './hub.ts';
import { seal, sealKey, unseal } from './seal.ts';

/** Where a service is, and how it signs in. */
export interface LoginOptions extends HubOptions {
  /** Where the service is for browsers, with a slash at both ends: `/services/panel/`. */
  readonly prefix: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** For somebody who has to look up his password. */
const loginMs = 10 * 60_000;
/** Browsers throw longer cookies away, name and value (RFC 6265 §6.1). */
const longestCookie = 4096;
/** Behind the state of a second try; no other state has a dot. */
const secondTry = '.2';

interface LoginState {
  readonly state: string;
  readonly next: string;
  readonly verifier: string;
  readonly until: number;
}

/** The name of the cookie with the token. */
export function sessionCookie(service: string): string {
  return `sluice-hub-${service}`;
}

/** What the names of the cookies of sign-ins under way begin with. */
export function signInCookies(service: string): string {
  return `${sessionCookie(service)}-`;
}

/** Where the hub sends browsers back to. */
export function callbackPath(prefix: string): string {
  return `${prefix}oauth_callback`;
}

/** Sends a browser to the hub, and remembers where it was; `secret` is the service's own token. */
export function sendToHub(request: AuthRequest, secret: string, options: LoginOptions, attempt = ''): GivenAnswer {
  const { apiPath, service, prefix, now } = options;
  const state = randomBytes(16).toString('base64url') + attempt;
  const verifier = randomBytes(32).toString('base64url');
  const name = stateCookie(service, state);
  const { target } = request;
  let sealed = '';
  // What is too long to be remembered loses its query, or is where the app begins.
  for (const place of [target, target.split('?', 1)[0]!, prefix]) {
    const held: LoginState = { state, next: pathWithin(place, prefix), verifier, until: now() + loginMs };
    sealed = seal(keyOf(secret, service), JSON.stringify(held));
    if (name.length + 1 + sealed.length <= longestCookie) break;
  }
  const query = new URLSearchParams({
    client_id: clientId(service),
    redirect_uri: callbackPath(prefix),
    response_type: 'code',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return redirect(`${apiPath}/oauth2/authorize?${query}`, [cookie(name, sealed, request, prefix, loginMs)]);
}

/** What a browser brings back from the hub. */
export async function finishLogin(
  request: AuthRequest,
  secret: string,
  options: LoginOptions,
): Promise<Answered | AuthFailure> {
  const { service, prefix, now } = options;
  const [state = ''] = queryOf(request.target, 'state');
  const [code = ''] = queryOf(request.target, 'code');
  const name = stateCookie(service, state);
  const [sealed = ''] = cookiesOf(request.headers, name);
  const held = readState(unseal(keyOf(secret, service), sealed));
  if (held === null || held.state !== state || held.until <= now()) {
    return startAgain(request, secret, options, state);
  }
  if (code === '') return refuse('unknown', 'the hub gives no code', false);
  const token = await tokenFor(
    {
      client_id: clientId(service),
      client_secret: secret,
      grant_type: 'authorization_code',
      code,
      redirect_uri: callbackPath(prefix),
      code_verifier: held.verifier,
    },
    options,
  );
  if (typeof token !== 'string') return token;
  const answer = redirect(held.next, [
    cookie(name, '', request, prefix, 0),
    cookie(sessionCookie(service), seal(keyOf(secret, service), token), request, prefix, null),
  ]);
  return { is: 'answered', answer, result: 'admitted', detail: 'signed in at the hub' };
}

const notBegun = refuse(
  'malformed',
  'the sign-in at the hub was not begun by this browser, or too long ago, or it keeps no cookies',
  false,
);

/** Whoever came too late is signed in at the hub by now; whoever keeps no cookies would go round for ever. */
function startAgain(
  request: AuthRequest,
  secret: string,
  options: LoginOptions,
  state: string,
): Answered | AuthFailure {
  if (state.endsWith(secondTry) || !isNavigation(request.method, request.headers)) return notBegun;
  const answer = sendToHub(request, secret, options, secondTry);
  return { is: 'answered', answer, result: 'relayed', detail: `${notBegun.detail}: sent there once more` };
}

/** The token in the session cookie of a browser; `null` where it is not one of ours. */
export function sessionToken(sealed: string, secret: string, service: string): string | null {
  return unseal(keyOf(secret, service), sealed);
}

function keyOf(secret: string, service: string): Buffer {
  return sealKey(secret, `jupyterhub ${service}`);
}

function clientId(service: string): string {
  return `service-${service}`;
}

/** Each tab that signs in has its own. */
function stateCookie(service: string, state: string): string {
  return `${signInCookies(service)}${state.replaceAll(/[^\w-]/g, '').slice(0, 8)}`;
}

function readState(text: string | null): LoginState | null {
  if (text === null) return null;
  // What can be unsealed is ours; a session token is no JSON.
  try {
    return JSON.parse(text) as LoginState;
  } catch {
    return null;
  }
}

/** Where to go on: `//host` and `/\host` would be another site, and behind the callback is where the app begins. */
function pathWithin(target: string, prefix: string): string {
  const isElsewhere = !target.startsWith(prefix) || /^\/[/\\]/.test(target);
  return isElsewhere || target.startsWith(callbackPath(prefix)) ? prefix : target;
}

function cookie(
  name: string,
  value: string,
  { scheme }: AuthRequest,
  path: string,
  maxAgeMs: number | null,
): readonly [string, string] {
  const parts = [`${name}=${value}`, `Path=${path}`, 'HttpOnly', 'SameSite=Lax'];
  if (scheme === 'https') parts.push('Secure');
  if (maxAgeMs !== null) parts.push(`Max-Age=${Math.floor(maxAgeMs / 1000)}`);
  return ['Set-Cookie', parts.join('; ')];
}

function redirect(to: string, fields: readonly (readonly [string, string])[]): GivenAnswer {
  const more = [
    ['Location', to],
    ['Cache-Control', 'no-store'],
  ] as const;
  return { status: 302, fields: [...more, ...fields], body: Buffer.alloc(0) };
}
