/** What is known of a connection when it opens, what may go wrong with it, and what the relay says of it at its end. */

import type { ClosingLimit, ConnectionReason, EndedBy, LimitAction, LimitName } from '../catalogue/outcomes.ts';
import type { Sender } from '../config/types.ts';

/**
 * What is known of a connection when it opens, as it may be shown: for logs and listings, never for the relay's
 * decisions. What a peer chose is cleaned where it is taken (`observe/log/clean.ts`).
 */
export interface ConnectionFacts {
  /** The `Host` header. */
  readonly host: string;
  /** Without its query, which may hold tokens. */
  readonly path: string;
  /** The client's address after `trusted_proxies`. */
  readonly address: string;
  /** Who the request says its user is, where `identity` of its route tells. */
  readonly user?: string;
  /** What else `auth` has found out of that user. */
  readonly signedIn?: SignedIn;
  /** The upstream's href. */
  readonly upstream: string;
  /** The negotiated subprotocol by its name, or by its length where it may hold a token; `null` for none. */
  readonly subprotocol: string | null;
  readonly handshakeMs: number;
}

/** How a user has signed in, and what is known beside the name. */
export interface SignedIn {
  /** The kind of `auth` that knew the user. */
  readonly kind: string;
  /** They are fit to be shown, and a hundred at most. */
  readonly groups: readonly string[];
  /** When it ends, in milliseconds since 1970; `null` where nobody says. */
  readonly expiresAtMs: number | null;
}

/** A limit that an open connection exceeded. `observed` is what was seen, in the unit of `configured`. */
export interface Violation {
  readonly sender: Sender;
  readonly limit: ClosingLimit;
  readonly configured: number;
  /** A bigint where a frame announced more than 2^53 − 1 bytes. */
  readonly observed: number | bigint;
  /** Whether more would have come: a fragmented message is refused before its whole size is known. */
  readonly partial: boolean;
  readonly action: LimitAction;
  /** What is wrong, where no number says it; what a peer chose in it is cleaned. */
  readonly detail?: string;
}

/** A request that a limit of its route turned away: no connection came of it. */
export interface Rejection {
  readonly route: string;
  /** The client's address after `trusted_proxies`. */
  readonly address: string;
  /** Who the request says its user is. */
  readonly user?: string | undefined;
  readonly limit: LimitName;
  readonly configured: number;
  readonly observed: number;
}

export interface SenderReport {
  readonly messages: number;
  readonly bytes: number;
  readonly maxMessageBytes: number;
  readonly fragments: number;
  readonly pauses: number;
  readonly pausedMs: number;
  readonly maxBufferedBytes: number;
}

/** What the log line at the end of a connection says of the relay. */
export interface SessionReport {
  readonly durationMs: number;
  readonly client: SenderReport;
  readonly upstream: SenderReport;
  readonly closedBy: EndedBy;
  readonly reason: ConnectionReason;
  /** Close codes per leg; `null` where none was sent or received, 1005 for a close frame without a code. */
  readonly codes: {
    readonly sentToClient: number | null;
    readonly receivedFromClient: number | null;
    readonly sentToUpstream: number | null;
    readonly receivedFromUpstream: number | null;
  };
  /** The limit that ended it, or `null`. */
  readonly violation: Violation | null;
  /** Legs that were reset because no close frame could be delivered in time. */
  readonly cut: readonly Sender[];
  /** Peers that were told of the end in the middle of a message: they have its beginning, and nobody its end. */
  readonly incomplete: readonly Sender[];
  /** Bytes read from one leg that the other leg's kernel never accepted. */
  readonly undeliveredBytes: number;
  /** Time since the last payload byte of a data message, either direction. */
  readonly lastDataAgeMs: number;
}
