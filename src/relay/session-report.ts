/** What is known of a connection when both its sockets are gone. */
import type { SessionReport } from '../observe/report.ts';
import type { Outcome } from './core/ending.ts';
import type { Leg } from './leg.ts';

/** Times in milliseconds. */
export interface SessionTimes {
  readonly durationMs: number;
  readonly lastDataAgeMs: number;
}

/** Sums up two legs that are gone; their directions must have finished. */
export function reportOf(
  client: Leg,
  upstream: Leg,
  { reason, by, violation }: Outcome,
  times: SessionTimes,
): SessionReport {
  const legs = [client, upstream];
  return {
    ...times,
    client: client.inbound.report(),
    upstream: upstream.inbound.report(),
    closedBy: by,
    reason,
    codes: {
      sentToClient: client.sent,
      receivedFromClient: client.received,
      sentToUpstream: upstream.sent,
      receivedFromUpstream: upstream.received,
    },
    violation,
    cut: legs.filter((leg) => leg.wasCut).map((leg) => leg.role),
    incomplete: legs.filter((leg) => leg.sent !== null && leg.writer.inMessage).map((leg) => leg.role),
    undeliveredBytes: client.inbound.undeliveredBytes + upstream.inbound.undeliveredBytes,
  };
}
