/**
 * Judges one text message: bytes in, verdict out. UTF-8, then depth, then JSON, then the schema, so that what is dear
 * comes last and nothing recurses deeper than it may.
 */
import { isUtf8 } from 'node:buffer';
import { shapeOf } from './depth.ts';
import { type Fault, Fuel, type SchemaCheck, TooCostly } from './types.ts';

/** What a text must be. */
export interface TextRules {
  readonly maxDepth: number;
  /** `null` where every JSON will do. */
  readonly schema: SchemaCheck | null;
}

/**
 * A unit is 50 to 200 ns of work. Every message may cost so many, and more for its length and each of its values: a
 * union of thirty types costs 300 for each item.
 */
const leastFuel = 10_000;
const fuelPerValue = 300;
const fuelPerByte = 4;
const mostFuel = 500_000;

/** Judges the payload of a whole message, unmasked; `null` is good. */
export function judgeText(bytes: Buffer, { maxDepth, schema }: TextRules): Fault | null {
  if (!isUtf8(bytes)) return { rule: 'utf8', path: '' };
  const { isTooDeep, values } = shapeOf(bytes, maxDepth);
  if (isTooDeep) return { rule: 'max_depth', path: '' };
  const parsed = parse(bytes);
  if (parsed === null) return { rule: 'json', path: '' };
  if (schema === null) return null;
  const units = leastFuel + values * fuelPerValue + bytes.length * fuelPerByte;
  return checkWithin(schema, parsed.value, Math.min(units, mostFuel));
}

/** Judges a value, unless that costs more than so many units. */
export function checkWithin(schema: SchemaCheck, value: unknown, units: number): Fault | null {
  try {
    return schema(value, new Fuel(units));
  } catch (error) {
    // A schema that refers to itself without end fills the stack before it has burnt what it may.
    if (error instanceof TooCostly || error instanceof RangeError) return { rule: 'too_costly', path: '' };
    throw error;
  }
}

function parse(bytes: Buffer): { readonly value: unknown } | null {
  const { stackTraceLimit } = Error;
  // Nobody sees the error, and to look where it came from takes ten times as long as all else.
  Error.stackTraceLimit = 0;
  try {
    // A byte order mark stays in the text, and JSON has none.
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return null;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
