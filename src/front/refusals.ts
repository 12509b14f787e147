/** How a refusal leaves the gateway: one answer, one counter, one log line. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Refused } from '../admission/verdict.ts';
import { handshakeOutcomes } from '../catalogue/outcomes.ts';
import { type Log, logOddHandshake, logRefusal, type RequestAbout } from '../observe/log/log.ts';
import { type RouteCounters, tally } from '../observe/metrics/counters.ts';
import type { Rejection } from '../observe/report.ts';
import { sendRefusal } from './answer.ts';
import { type HandshakeRefusal, type Refusal, refusalBytes, refuseHandshake } from './errors.ts';
import { sayFarewell } from './farewell.ts';

/** How long the body of a refused request is read and thrown away; as long as a route's `timeouts.close` unless set. */
const lingerMs = 10_000;

/** What is known of the request that is refused. */
export interface RefusalContext {
  readonly log: Log;
  readonly counters: RouteCounters;
  readonly about: Omit<RequestAbout, 'limit' | 'detail'>;
  /** Hears of requests that a limit of their route turns away. */
  readonly rejected: (rejection: Rejection) => void;
}

/** Counts and logs a refusal. `status` is what the client got, where that is not the outcome's own. */
export function recordRefusal(
  { log, counters, about, rejected }: RefusalContext,
  refused: Refused,
  status: number = handshakeOutcomes[refused.outcome].status,
): void {
  const { outcome, detail, limit } = refused;
  tally(counters.handshakes, outcome);
  if (limit) {
    const { name, configured, observed } = limit;
    tally(counters.client.violations, name, 'reject');
    if (about.route !== null)
      rejected({ route: about.route, address: about.address, user: about.user, limit: name, configured, observed });
  }
  logRefusal(log, outcome, status, {
    ...about,
    ...(limit ? { limit } : {}),
    ...(detail === '' ? {} : { detail }),
  });
}

/** Counts and logs what is odd about a handshake that opens all the same. */
export function recordOddity({ log, counters, about }: RefusalContext, detail: string): void {
  tally(counters.upstreamErrors, 'subprotocol');
  logOddHandshake(log, { ...about, detail });
}

/** Refuses a request whose socket is ours: the connection ends with it. */
export function refuseOnSocket(
  socket: Socket,
  accept: string | undefined,
  context: RefusalContext,
  refused: Refused,
): void {
  recordRefusal(context, refused);
  const { status } = handshakeOutcomes[refused.outcome];
  if (status === 0) socket.destroy();
  else sayFarewell(socket, refusalBytes(refusalOf(context, refused), accept));
}

/** Refuses a plain HTTP request; its connection ends with it, as what follows on it cannot be trusted to be a request. */
export function refuseOnResponse(res: ServerResponse, context: RefusalContext, refused: Refused): void {
  recordRefusal(context, refused);
  const { req } = res;
  const { accept, expect } = req.headers;
  res.setHeader('Connection', 'close');
  const waitsForContinue = expect?.toLowerCase() === '100-continue';
  sendRefusal(req, res, refusalOf(context, refused), accept, { waitsForContinue, lingerMs });
}

/** The answer to a refused request. */
export function refusalOf({ about }: RefusalContext, { outcome, limit, routes }: Refused): Refusal {
  // `opened`, `client_gone`, `tls_failed` and `upstream_refused` have nobody to answer, or an answer of their own.
  return refuseHandshake(outcome as HandshakeRefusal, { route: about.route, limit: limit ?? null, routes });
}
