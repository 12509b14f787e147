/**
 * What reading something gives: a value, or the one problem that there is with it. Every answer of that kind in this
 * room has this shape.
 */

/** Why there is no value: the rest of a sentence that begins with what was found, and says what to write instead. */
export interface Problem {
  readonly problem: string;
  /** The entry that is wrong, where what was found is a mapping. */
  readonly key?: string;
}

/** A value, or why there is none. */
export type Result<T> = { readonly value: T } | Problem;
