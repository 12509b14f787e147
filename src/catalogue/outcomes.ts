/**
 * Every way in which a handshake, a request or a connection ends, one row each: the HTTP status or close codes, the log
 * level, the two-letter flag, and what people are told. Code, metrics, log and docs read these tables. To add an
 * ending, write its row in `connection-endings.ts`, `request-endings.ts` or `admin-refusals.ts`; one that only a limit
 * has stands in the limit's row.
 */
import { adminRefusals } from './admin-refusals.ts';
import { accessEndings, gatewayEndings, peerEndings } from './connection-endings.ts';
import { type LimitEnding, type LimitName, limits } from './limits.ts';
import { handshakeEndings, httpEndings, refusals } from './request-endings.ts';
import type { AnswerRow, CloseRow, ContentRuleRow, EndedBy, Level, SenderLimitRow, SharedLimitRow } from './row.ts';

export type { EndedBy, Level, LimitName };

/** How an open connection ends: the label `reason`. */
export type ConnectionReason =
  | keyof typeof peerEndings
  | LimitEnding<'closes'>
  | keyof typeof gatewayEndings
  | EndReason;

/** Why the client of an open connection may not stay. */
export type EndReason = keyof typeof accessEndings;

/** How an open connection ends. */
export const connectionOutcomes: Readonly<Record<ConnectionReason, CloseRow>> = {
  ...peerEndings,
  ...ofLimits('closes'),
  ...gatewayEndings,
  ...accessEndings,
};

/** How a handshake (or an HTTP request before its forwarding) ends: the label `result`. */
export type HandshakeResult = keyof typeof refusals | LimitEnding<'refuses'> | keyof typeof handshakeEndings;

/** How a handshake (or an HTTP request before its forwarding) ends. */
export const handshakeOutcomes: Readonly<Record<HandshakeResult, AnswerRow>> = {
  ...refusals,
  ...ofLimits('refuses'),
  ...handshakeEndings,
};

/** How the forwarding of a plain HTTP request fails. */
export type HttpFailure = LimitEnding<'fails'> | keyof typeof httpEndings;

/** How the forwarding of a plain HTTP request fails. */
export const httpOutcomes: Readonly<Record<HttpFailure, AnswerRow>> = { ...ofLimits('fails'), ...httpEndings };

/** Endings that have an answer of Sluice's own. The others are mirrored, or have nobody left to read one. */
type Answered<Rows> = { [K in keyof Rows]: Rows[K] extends { readonly remedy: string } ? K : never }[keyof Rows];

/** How a handshake (or an HTTP request before its forwarding) is refused with an answer of Sluice's own. */
export type HandshakeRefusal = Answered<typeof refusals> | LimitEnding<'refuses'> | Answered<typeof handshakeEndings>;

/** How the forwarding of a plain HTTP request fails with an answer of Sluice's own. */
export type AnsweredFailure = LimitEnding<'fails'> | Answered<typeof httpEndings>;

/** How the admin port turns an operator's request away: the label `reason`, and the `code` of the answer. */
export const adminOutcomes = adminRefusals;

export type AdminRefusal = keyof typeof adminRefusals;

/** What was done about a violation: the label `action`. */
export type LimitAction = 'close' | 'pause' | 'reject' | 'reply' | 'report';

/** A limit that can end an open connection. */
export type ClosingLimit = {
  [K in LimitName]: (typeof limits)[K] extends { readonly closes: unknown } ? K : never;
}[LimitName];

/** The reason with which a violated limit ends a connection. */
export function reasonOf(limit: ClosingLimit): ConnectionReason {
  return limits[limit].closes.as;
}

/** The endings that limits have of their own. */
function ofLimits(manner: 'closes'): Record<LimitEnding<'closes'>, CloseRow>;
function ofLimits(manner: 'refuses'): Record<LimitEnding<'refuses'>, AnswerRow>;
function ofLimits(manner: 'fails'): Record<LimitEnding<'fails'>, AnswerRow>;
function ofLimits(manner: 'closes' | 'refuses' | 'fails'): object {
  const rows: readonly (SenderLimitRow | SharedLimitRow | ContentRuleRow)[] = Object.values(limits);
  return Object.fromEntries(rows.flatMap((row) => (row[manner] ? [[row[manner].as, row[manner]]] : [])));
}
