/** What admission says of a request. */
import type { HandshakeResult, LimitName } from '../catalogue/outcomes.ts';

/** A limit that a refused request would have exceeded. */
export interface RefusedLimit {
  readonly name: LimitName;
  readonly configured: number;
  readonly observed: number;
}

/** Fields of an answer, as they are sent. */
export type AnswerFields = readonly (readonly [name: string, value: string])[];

/** The answer of an authentication service, which the client gets in place of ours. */
export interface RelayedAnswer {
  readonly status: number;
  /**
   * The fields, without those that frame the answer or concern one connection. `Content-Length` is written from the
   * body.
   */
  readonly fields: AnswerFields;
  readonly body: Buffer;
}

/** Why a request goes no further. `detail` is for the log; `limit` names the limit, if one is the cause. */
export interface Refused {
  readonly outcome: HandshakeResult;
  readonly detail: string;
  readonly limit?: RefusedLimit;
  /** The names of the routes between which the path does not decide, if that is the cause. */
  readonly routes?: readonly string[];
  /** Further fields of the answer: `Retry-After`, `WWW-Authenticate`, `Set-Cookie`, `Location`. */
  readonly fields?: AnswerFields;
  /** An answer that is passed on whole. Its status is logged; the outcome is counted. */
  readonly answer?: RelayedAnswer;
}

/** `null` admits. */
export type Verdict = Refused | null;
