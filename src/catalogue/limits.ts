/**
 * Every limit, one row each. To add one, write its row in `sender-limits.ts` or `shared-limits.ts` and count it where
 * it is exceeded. Its setting, its label in the metrics, the words of close frames, answers and log lines, the advice
 * and the tables of the docs come from the row.
 */
import { contentRules } from './content-rules.ts';
import type { LimitEndings } from './row.ts';
import { senderLimits } from './sender-limits.ts';
import { sharedLimits } from './shared-limits.ts';

export { senderLimits, sharedLimits };

/** All of them, in the order in which tables show them. */
export const limits = { ...senderLimits, ...sharedLimits, ...contentRules } as const;

type Limits = typeof limits;

/** The name of a limit that binds one sender. */
export type SenderKey = keyof typeof senderLimits;

/** The key of a limit whose violations are counted, as the label `limit` names it. */
export type LimitName = {
  [K in keyof Limits]: Limits[K]['isViolation'] extends true ? K : never;
}[keyof Limits];

/** The names of the endings that limits have of their own. */
export type LimitEnding<Manner extends keyof LimitEndings> = {
  [K in keyof Limits]: Limits[K] extends { readonly [M in Manner]: { readonly as: infer Name extends string } }
    ? Name
    : never;
}[keyof Limits];
