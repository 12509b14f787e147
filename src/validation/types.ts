/** What judging a message gives, and what it may cost. */

/** Why a message is not as its route wants it. */
export interface Fault {
  /** `utf8`, `json`, `max_depth`, `max_size`, `binary`, `too_costly`, or a keyword of the schema. */
  readonly rule: string;
  /** Where in the message, as a JSON Pointer (RFC 6901); empty for the whole. What a peer chose in it is not cleaned. */
  readonly path: string;
}

/** Judges a value that was parsed; `null` is good. */
export type SchemaCheck = (value: unknown, fuel: Fuel) => Fault | null;

/** The work that a schema may cost for one message: what a peer sends must not keep the thread. */
export class Fuel {
  #left: number;

  constructor(units: number) {
    this.#left = units;
  }

  /** Takes some of it; throws where none is left, because a compiled schema can be left in no other way. */
  burn(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new TooCostly();
  }
}

/** A message costs more work than it may. */
export class TooCostly extends Error {}

/** What a text means, or what is wrong with it, in words that follow its name. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };
