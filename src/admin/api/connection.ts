/** A connection as the API shows it: a line of a listing, or everything. */
import type { z } from 'zod';
import { connectionOutcomes } from '../../catalogue/outcomes.ts';
import type { Source } from '../../config/model/resolved.ts';
import type { Sender } from '../../config/types.ts';
import type { SignedIn, Violation } from '../../observe/report.ts';
import type { Direction } from '../../relay/core/direction.ts';
import type { Leg } from '../../relay/leg.ts';
import type { Session } from '../../relay/session.ts';
import { toUnix } from '../../wall-clock.ts';
import type { connectionSchema, connectionsSchema } from './schemas.ts';
import { showRouteSettings } from './settings.ts';

type Row = z.infer<typeof connectionsSchema>['connections'][number];
type Whole = z.infer<typeof connectionSchema>;

/** The two clocks: `now` is `performance.now()`, `unixMs` the same moment as a date. */
export interface Moment {
  readonly now: number;
  readonly unixMs: number;
}

/** This moment. */
export function thisMoment(): Moment {
  const now = performance.now();
  return { now, unixMs: now + toUnix() };
}

/** How long a sender was paused, the present pause included. */
export function pausedMs({ pauses }: Direction, now: number): number {
  return Math.round(pauses.totalMs + (pauses.pausedAt === null ? 0 : now - pauses.pausedAt));
}

/** A line of a listing. */
export function describeRow(session: Session, moment: Moment): Row {
  return {
    ...rowFields(session, moment),
    client_sent: rowSender(session.client.inbound),
    upstream_sent: rowSender(session.upstream.inbound),
  };
}

/** Everything there is to know. `sources` are those of its route's settings, `null` where they are not known. */
export function describeConnection(
  session: Session,
  moment: Moment,
  inForce: boolean,
  sources: Readonly<Record<string, Source>> | null,
): Whole {
  const { client, upstream, outcome, facts, route } = session;
  return {
    ...rowFields(session, moment),
    signed_in: facts.signedIn === undefined ? null : describeSignedIn(facts.signedIn),
    handshake_ms: round(facts.handshakeMs),
    last_data_age_s: seconds(moment.now - session.lastDataAt),
    client_sent: wholeSender(client.inbound, moment),
    upstream_sent: wholeSender(upstream.inbound, moment),
    legs: { client: describeLeg(client), upstream: describeLeg(upstream) },
    ending: outcome && {
      reason: outcome.reason,
      closed_by: outcome.by,
      words: connectionOutcomes[outcome.reason].words,
      violation: outcome.violation && describeViolation(outcome.violation),
    },
    route_in_force: inForce,
    settings: showRouteSettings(route, sources),
  };
}

function describeSignedIn({ kind, groups, expiresAtMs }: SignedIn): Whole['signed_in'] {
  return { kind, groups: [...groups], expires_at: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString() };
}

function rowFields(session: Session, { now, unixMs }: Moment) {
  const { id, facts, client, upstream, outcome, openedAt } = session;
  const ageMs = now - openedAt;
  return {
    id,
    route: session.routeName,
    state: outcome === null ? ('open' as const) : ('ending' as const),
    host: facts.host,
    path: facts.path,
    address: facts.address,
    user: facts.user ?? null,
    upstream: facts.upstream,
    subprotocol: facts.subprotocol,
    opened_at: new Date(unixMs - ageMs).toISOString(),
    age_s: seconds(ageMs),
    buffered_bytes: client.inbound.bufferedBytes + upstream.inbound.bufferedBytes,
    paused_ms: pausedMs(client.inbound, now) + pausedMs(upstream.inbound, now),
  };
}

function rowSender(direction: Direction): Row[`${Sender}_sent`] {
  return {
    messages: direction.record.messages,
    bytes: direction.record.payloadBytes,
    buffered_bytes: direction.bufferedBytes,
    queued_messages: direction.queuedMessages,
    paused: direction.paused,
  };
}

function wholeSender(direction: Direction, { now }: Moment): Whole[`${Sender}_sent`] {
  const { maxMessageBytes, fragments, maxBufferedBytes } = direction.report();
  return {
    ...rowSender(direction),
    wire_bytes: direction.wireBytes,
    max_message_bytes: maxMessageBytes,
    fragments,
    max_buffered_bytes: maxBufferedBytes,
    pauses: {
      now: [...direction.pauses.causes].map(([cause, since]) => ({ cause, for_ms: Math.round(now - since) })),
      count: direction.pauses.count,
      total_ms: pausedMs(direction, now),
    },
  };
}

function describeLeg(leg: Leg): Whole['legs']['client'] {
  const { state, writer, sent, received } = leg;
  return {
    state,
    blocked: writer.blocked,
    close_sent: sent,
    close_received: received,
  };
}

/** JSON has neither bigint nor infinity. */
function describeViolation(violation: Violation): NonNullable<NonNullable<Whole['ending']>['violation']> {
  const { sender, limit, configured, observed, partial, action, detail } = violation;
  return {
    sender,
    limit,
    configured: configured === Number.POSITIVE_INFINITY ? 'unlimited' : configured,
    observed: typeof observed === 'bigint' ? String(observed) : observed,
    at_least: partial,
    ...(detail === undefined ? {} : { detail }),
    action,
  };
}

function seconds(ms: number): number {
  return round(ms / 1000);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
