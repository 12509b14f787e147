/** Questions to services that know users: who asks, and what comes back. */

/** A question. */
export interface Question {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Sent with its length. */
  readonly body?: Buffer;
  /** An answer with a longer body is no answer. */
  readonly mostBytes: number;
  /** Whether the head of an answer of 2xx says it all: its body is thrown away, whatever it is. */
  readonly ignoresGoodBody?: boolean;
}

/** An answer, whole. */
export interface ServiceAnswer {
  readonly status: number;
  /** As it came: name, value, name, value … */
  readonly fields: readonly string[];
  readonly body: Buffer;
}

/**
 * Asks one service. Never rejects: within its own time-out it has an answer, or `problem` says why there is none.
 */
export type Asker = (question: Question) => Promise<ServiceAnswer | { readonly problem: string }>;
