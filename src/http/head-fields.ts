/** The fields of a request's head, read by name, whichever parser has read them. */
import { type RawHeaders, valuesOf } from './raw-fields.ts';

export interface HeadFields {
  /** Every value of a field, in order; `name` in lower case. */
  values(name: string): string[];
  /** Names and values in turn. */
  pairs(): RawHeaders;
}

/** Fields that are strings already. */
export class RawFields implements HeadFields {
  readonly #raw: RawHeaders;

  constructor(raw: RawHeaders) {
    this.#raw = raw;
  }

  values(name: string): string[] {
    return valuesOf(this.#raw, name);
  }

  pairs(): RawHeaders {
    return this.#raw;
  }
}

/** Of a head that nobody holds any more. */
export const noFields: HeadFields = new RawFields([]);
