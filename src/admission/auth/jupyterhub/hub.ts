/**
 * The hub's API, as far as a service needs it (jupyterhub/services/auth.py): who a token is, and a token for a code.
 */
import type { Asker, ServiceAnswer } from '../asker.ts';
import { identityOf } from '../identity.ts';
import { type AuthFailure, type AuthIdentity, refuse, refuseUser } from '../types.ts';

export interface HubOptions {
  readonly ask: Asker;
  /** The path of the API: `/hub/api`. */
  readonly apiPath: string;
  /** The service's name at the hub. */
  readonly service: string;
}

/** A user with many groups and scopes. */
const longestAnswer = 256 * 1024;
/** A token has 32 characters. */
const longestToken = 4096;

const unavailable = (detail: string) => refuse('unavailable', `the hub: ${detail}`, false);

/** Who a token is at the hub, if that may use the service. */
export async function hubUserOf(
  token: string,
  { ask, apiPath, service }: HubOptions,
): Promise<AuthIdentity | AuthFailure> {
  const question = {
    method: 'GET',
    path: `${apiPath}/user`,
    fields: [['Authorization', `token ${token}`]],
    mostBytes: longestAnswer,
  } as const;
  const answer = await ask(question);
  if ('problem' in answer) return unavailable(answer.problem);
  // 404 is a token that the hub knows and whose user it does not.
  if ([401, 403, 404].includes(answer.status)) return refuse('unknown', 'the hub knows nobody by this token');
  const user = answer.status === 200 ? jsonOf(answer) : null;
  if (user === null) return unavailable(`it answers ${answer.status}, or what is no user`);
  const scopes: unknown = user.scopes;
  const wanted = ['access:services', `access:services!service=${service}`];
  if (!Array.isArray(scopes) || !wanted.some((scope) => scopes.includes(scope))) {
    // Behind a `=` the log would take the name of the service for a secret.
    const detail = `the user has no scope access:services for the service ${service} at the hub`;
    return refuseUser('claim', detail, identityOf(user.name, user.groups));
  }
  return identityOf(user.name, user.groups) ?? unavailable('it names no user');
}

/** A token for the code that a browser has brought from the hub; `null` where the hub gives none. */
export async function tokenFor(
  form: Readonly<Record<string, string>>,
  { ask, apiPath }: HubOptions,
): Promise<string | AuthFailure> {
  const question = {
    method: 'POST',
    path: `${apiPath}/oauth2/token`,
    fields: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: Buffer.from(String(new URLSearchParams(form))),
    mostBytes: longestAnswer,
  } as const;
  const answer = await ask(question);
  if ('problem' in answer) return unavailable(answer.problem);
  if (answer.status >= 500) return unavailable(`it answers ${answer.status}`);
  const token: unknown = answer.status === 200 ? jsonOf(answer)?.access_token : null;
  if (typeof token !== 'string' || !isSendableToken(token))
    return refuse('unknown', 'the hub gives no token for this code');
  return token;
}

/** Whether a text can stand in a header behind `token`. */
export function isSendableToken(text: string): boolean {
  return text.length <= longestToken && /^[\x21-\x7e]+$/.test(text);
}

function jsonOf({ body }: ServiceAnswer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
