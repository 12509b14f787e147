/** The fields of a request's head, read by name, whichever parser has read them. */
import { type FieldValues, type RawHeaders, valuesOf } from './raw-fields.ts';

export interface HeadFields extends FieldValues {
  /** Whether there is a field whose name begins so; `prefix` in lower case. */
  hasFamily(prefix: string): boolean;
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

  hasFamily(prefix: string): boolean {
    return this.#raw.some((text, i) => i % 2 === 0 && text.toLowerCase().startsWith(prefix));
  }

  pairs(): RawHeaders {
    return this.#raw;
  }
}

/** Of a head that nobody holds any more. */
export const noFields: HeadFields = new RawFields([]);
