/**
 * What each side hears when a connection ends. The first cause decides the outcome; the close frames follow from it, by
 * the catalogue's row.
 */
import { type ConnectionReason, connectionOutcomes, type EndedBy } from '../../catalogue/outcomes.ts';
import type { Sender } from '../../config/types.ts';
import type { Violation } from '../../observe/report.ts';
import { type Close, closeWith } from '../../websocket/close.ts';
import { closeReason } from './close-reason.ts';

/** What ends or has ended a connection. */
export interface Outcome {
  readonly reason: ConnectionReason;
  readonly by: EndedBy;
  readonly violation: Violation | null;
}

/** How a peer of each side ends a connection. V8 would look a name that is put together up by its characters. */
export const endingsBy = {
  client: {
    closed: 'client_closed',
    vanished: 'client_vanished',
    heartbeat: 'client_heartbeat',
    protocolError: 'client_protocol_error',
  },
  upstream: {
    closed: 'upstream_closed',
    vanished: 'upstream_vanished',
    heartbeat: 'upstream_heartbeat',
    protocolError: 'upstream_protocol_error',
  },
} as const satisfies Record<Sender, Record<string, ConnectionReason>>;

/**
 * The close that the catalogue has for a side; `words` replace the row's. If a row passes the peer's own close on, that
 * peer is gone here, and the side hears 1001.
 */
export function closeOf(reason: ConnectionReason, role: Sender, words?: string): Close {
  return words === undefined ? usualCloses[reason][role] : closeWith(usualCloses[reason][role].code, words);
}

const usualCloses = Object.fromEntries(
  Object.entries(connectionOutcomes).map(([reason, row]) => {
    const usual = (role: Sender) => closeWith(row[role] === 0 ? 1001 : row[role], row.words);
    return [reason, { client: usual('client'), upstream: usual('upstream') }];
  }),
) as Readonly<Record<ConnectionReason, Readonly<Record<Sender, Close>>>>;

/** The close that an outcome has for a side, with the limit that was exceeded on `route`, if one was. */
export function closeFor({ reason, violation }: Outcome, role: Sender, route: string): Close {
  return closeOf(reason, role, violation === null ? undefined : closeReason(violation, route));
}

/** What the last side hears: the other side's own word (`said`), unless Sluice ends the connection. */
export function answerFor(outcome: Outcome, role: Sender, said: Close, route: string): Close {
  return outcome.by === 'sluice' ? closeFor(outcome, role, route) : said;
}

/** What the other side of `silent` hears if that one did not answer a close. `cut`: it was given up for that. */
export function unanswered(silent: Sender, cut: boolean): Close {
  const words = cut ? `the ${silent} did not answer the close in time` : undefined;
  return closeOf(endingsBy[silent].vanished, silent === 'client' ? 'upstream' : 'client', words);
}
