/** What admission says of a request. */
import type { HandshakeResult, LimitName } from '../catalogue/outcomes.ts';

/** A limit that a refused request would have exceeded. */
export interface RefusedLimit {
  readonly name: LimitName;
  readonly configured: number;
  readonly observed: number;
}

/** Why a request goes no further; `detail` is for the log, `limit` names the limit where one is the cause. */
export interface Refused {
  readonly outcome: HandshakeResult;
  readonly detail: string;
  readonly limit?: RefusedLimit;
  /** The names of the routes that it could be for, where that is the cause. */
  readonly routes?: readonly string[];
}

/** `null` admits. */
export type Verdict = Refused | null;
