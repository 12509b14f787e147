/** What a handshake hands to the relay, whichever lane it was in. */
import type { Loan } from '../admission/loan.ts';
import type { VisitIdentity } from '../admission/visit.ts';
import { cleanHost, cleanPath, nameSubprotocol } from '../observe/log/clean.ts';
import type { SignedIn } from '../observe/report.ts';
import type { SessionInit } from '../relay/types.ts';
import { newConnectionId } from './connection-id.ts';
import type { EdgeRoute } from './edge-route.ts';
import type { AdmittedVisit } from './reception.ts';

/** What came of a handshake: two sockets, and what they agreed on. */
export interface SwitchedLegs extends Pick<SessionInit, 'client' | 'upstream'> {
  readonly subprotocol: string | null;
}

/** The connection that a visit becomes. What was lent to the visit goes back at its end. */
export function sessionOf(
  visit: AdmittedVisit,
  { route, counters, endpoint, hub }: EdgeRoute,
  loan: Loan,
  { client, upstream, subprotocol }: SwitchedLegs,
): SessionInit {
  const { user, identity } = visit;
  return {
    id: newConnectionId(),
    route,
    counters,
    client,
    upstream,
    facts: {
      host: cleanHost(visit.host),
      path: cleanPath(visit.path),
      address: visit.address,
      upstream: endpoint.target.href,
      ...(user === undefined ? {} : { user }),
      ...(identity === null ? {} : { signedIn: signedInOf(identity) }),
      subprotocol: subprotocol === null ? null : nameSubprotocol(subprotocol),
      handshakeMs: performance.now() - visit.startedAt,
    },
    activity: hub,
    // This is bound rather than closed over. A closure would keep the whole handshake for as long as the connection
    // lives.
    release: loan.dispose.bind(loan),
    whenOpen: visit.hooks,
  };
}

function signedInOf({ kind, groups, expiresAtMs }: VisitIdentity): SignedIn {
  return { kind, groups, expiresAtMs };
}
