/**
 * A text for each JSON value, equal for equal values: so that equal values are found without comparing each with each.
 */
import { Fuel, lettersPerUnit } from './types.ts';

/** The text; objects are equal whatever the order of their keys. Each level writes all that is below it anew. */
export function canonical(value: unknown, fuel: Fuel): string {
  const text = write(value, fuel);
  fuel.burn(1 + text.length / lettersPerUnit);
  return text;
}

function write(value: unknown, fuel: Fuel): string {
  if (typeof value === 'string') return JSON.stringify(value);
  // `0` and `-0` are one number, and JSON has no word for what is beyond 1.8e308.
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, fuel)).join()}]`;
  const keys = Object.keys(value).sort();
  const parts = keys.map((key) => `${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key], fuel)}`);
  return `{${parts.join()}}`;
}

/** Whether no two items are equal. */
export function areUnique(items: readonly unknown[], fuel: Fuel): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonical(item, fuel);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

/** Whether a value is equal to one of these. */
export function isAmong(values: readonly unknown[]): (value: unknown, fuel: Fuel) => boolean {
  const [scalars, texts] = [new Set<unknown>(), new Set<string>()];
  for (const value of values) {
    if (isScalar(value)) scalars.add(value);
    else texts.add(canonical(value, new Fuel(Number.POSITIVE_INFINITY)));
  }
  return (value, fuel) => (isScalar(value) ? scalars.has(value) : texts.size > 0 && texts.has(canonical(value, fuel)));
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}
