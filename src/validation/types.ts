/** What judging a message gives, and what it may cost. */

/** Why a message is not as its route wants it. */
export interface Fault {
  /** `utf8`, `json`, `max_depth`, `max_size`, `binary`, `too_costly`, or a keyword of the schema. */
  readonly rule: string;
  /**
   * Where in the message, as a JSON Pointer (RFC 6901); empty for the whole. `*` stands for keys that the schema does
   * not name.
   */
  readonly path: string;
  /** What of the message has been announced, where that is too much. */
  readonly bytes?: number;
}

/** What one side's messages must be; a message takes it when it begins. */
export interface MessageRules {
  readonly maxTextBytes: number;
  readonly action: 'close' | 'report' | 'reply';
  readonly rejectsBinary: boolean;
  /** Judges the payload of a text message; `null` is good. */
  judge(payload: Buffer): Fault | null;
  /** What is wrong, for people; what a peer chose in it is cleaned. */
  describe(fault: Fault): string;
  /** The payload of the answer to a message that was dropped. */
  answer(detail: string): Buffer;
}

/** Judges a value that was parsed; `null` is good. */
export type SchemaCheck = (value: unknown, fuel: Fuel) => Fault | null;

/** Following a reference costs 0.5 to 2 µs, most where it fails and errors are made. */
const unitsOfReference = 10;
const valuesPerUnit = 8;
/** Walking over the keys of a large object takes some 200 ns for each. */
const valuesPerKey = 4;
/** To count the letters of a text, or to write it anew, takes 2 to 4 ns for each. */
export const lettersPerUnit = 50;

/** The work that a schema may cost for one message: what a peer sends must not keep the thread. */
export class Fuel {
  #left: number;
  /** Made when first needed: most messages cost less than a map. */
  #sizes: Map<object, number> | null = null;

  constructor(units: number) {
    this.#left = units;
  }

  /** What a reference to this value costs. Whatever stands in the value may be looked at once more. */
  burnFor(value: unknown): void {
    this.burn(unitsOfReference + this.#sizeOf(value) / valuesPerUnit);
  }

  /** How many values there are in it, counted once in a message. */
  #sizeOf(value: unknown): number {
    if (typeof value !== 'object' || value === null) return 1;
    this.#sizes ??= new Map();
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
    let size = parts === value ? 1 : 1 + parts.length * valuesPerKey;
    for (const part of parts) size += this.#sizeOf(part);
    this.#sizes.set(value, size);
    return size;
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
