/** How deep the brackets of a JSON text nest, and how many values it may hold, seen before anything parses it. */

/** What a look at the bytes tells. */
export interface Shape {
  /** Whether brackets nest deeper than asked for. Then the look ends. */
  readonly isTooDeep: boolean;
  /** Never less than the values in it. */
  readonly values: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/** Looks at the bytes of a text, which need not be JSON; a loop without recursion. */
export function shapeOf(bytes: Uint8Array, maxDepth: number): Shape {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === comma) {
      values++;
    } else if ((byte | 0x20) === 0x7b) {
      // `{` and `[` differ in one bit, and so do `}` and `]`.
      values++;
      if (++depth > maxDepth) return { isTooDeep: true, values };
    } else if ((byte | 0x20) === 0x7d) {
      depth--;
    }
  }
  return { isTooDeep: false, values };
}
