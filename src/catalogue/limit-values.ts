/** How the code holds the limits of each kind. */

/** How much may come in a time. */
export interface Rate {
  /** Tokens (messages or bytes) per second. */
  readonly perSecond: number;
  /** The bucket's size: what may pass at once after a quiet time. */
  readonly burst: number;
  /** What happens when the bucket is empty: read no more for a while, or close with 1008. */
  readonly action: 'pause' | 'close';
}

/** By kind: sizes are bytes, durations milliseconds, infinity is no limit and 0 ms is off. */
export interface LimitValues {
  readonly size: number;
  readonly sizeOrUnlimited: number;
  readonly duration: number;
  readonly count: number;
  readonly countOrUnlimited: number;
  /** `null` is no limit. */
  readonly messageRate: Rate | null;
  readonly byteRate: Rate | null;
  readonly controlRate: Rate;
}

/** The kinds of values that a limit can have, as `config/model/kinds.ts` names them. */
export type LimitKind = keyof LimitValues;
