/**
 * The result of reading something: a value, or the one problem with it. All that is read in this room answers in this
 * shape.
 */

/** Why there is no value: the rest of a sentence that begins with what was found, and says what to write instead. */
export interface Problem {
  readonly problem: string;
  /** The entry that is wrong, where what was found is a mapping. */
  readonly key?: string;
}

/** A value, or why there is none. */
export type Result<T> = { readonly value: T } | Problem;
