/** The step of admission that asks who has come. */
import { cleanUser } from '../../observe/log/clean.ts';
import { tally } from '../../observe/metrics/counters.ts';
import type { AnswerFields, Verdict } from '../verdict.ts';
import type { Step, Visit, VisitIdentity } from '../visit.ts';
import type { Authenticator, AuthVerdict } from './authenticator.ts';
import { applyEdits } from './edits.ts';
import { announced } from './jwt/token-places.ts';
import type { Lives } from './lives.ts';
import { type AuthIdentity, type AuthRequest, lasting } from './types.ts';

/** Judges the credentials of every visit of a route. Those who are let in are looked after while they stay. */
export function authenticationStep(authenticator: Authenticator, lives: Lives): Step {
  return (visit) => {
    const verdict = authenticator.decide(requestOf(visit));
    return verdict instanceof Promise
      ? verdict.then((decided) => conclude(visit, decided, lives))
      : conclude(visit, verdict, lives);
  };
}

function requestOf(visit: Visit): AuthRequest {
  const { method, target, origination, headers, subscriber, peer } = visit;
  const { scheme, host, address, trusted } = origination;
  return {
    method,
    target,
    scheme,
    host,
    headers,
    address,
    subscriber,
    trusted,
    certificate: peer.certificate,
  };
}

function conclude(visit: Visit, verdict: AuthVerdict, lives: Lives): Verdict {
  const kind = verdict.kind ?? 'none';
  tally(visit.route.counters.auth, kind, verdict.is === 'admitted' ? 'admitted' : verdict.result);
  if (verdict.is === 'answered') {
    const outcome = verdict.result === 'unavailable' ? 'auth_unavailable' : 'auth_answered';
    return { outcome, detail: `${verdict.detail} (${kind})`, answer: verdict.answer };
  }
  if (verdict.is === 'refused') {
    if (verdict.identity !== null) visit.identity = seen(verdict.identity, kind);
    const fields: AnswerFields = [
      ...verdict.authenticate.map((scheme) => ['WWW-Authenticate', scheme] as const),
      ...(verdict.waitSeconds === null ? [] : [['Retry-After', String(verdict.waitSeconds)] as const]),
    ];
    // The kind stands behind: `jwt: the token …` looks like a secret and its name, and the log would hide a word of it.
    const detail = verdict.kind === null ? verdict.detail : `${verdict.detail} (${kind})`;
    return { outcome: verdict.outcome, detail, fields };
  }
  const { identity, edits, life, toClient = [] } = verdict;
  applyEdits(edits, visit.change());
  if (edits.subprotocols.has(announced)) visit.ownSubprotocol = announced;
  for (const [name, value] of toClient) tellClient(visit, name, value);
  if (identity !== null) visit.identity = seen(identity, kind);
  // Who has no name cannot be shut out by it, and yet may have to go.
  if (identity === null && life === lasting) return null;
  visit.whenOpen((connection) => lives.watch(connection, identity?.name ?? null, life, identity?.groups));
  return null;
}

function seen({ name, groups, expiresAtMs }: AuthIdentity, kind: string): VisitIdentity {
  return { name, user: cleanUser(name), groups, expiresAtMs, kind };
}

/** Cookies stand beside those of the backend; any other field takes the place of the backend's. */
function tellClient(visit: Visit, name: string, value: string): void {
  const answer = visit.changeAnswer();
  if (name.toLowerCase() === 'set-cookie') answer.addField(name, value);
  else answer.setField(name, value);
}
