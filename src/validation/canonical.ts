/**
 * A text for each JSON value, equal for equal values: so that equal items are found without comparing each with each.
 */
import type { Fuel } from './types.ts';

/** The text; objects are equal whatever the order of their keys. */
export function canonical(value: unknown, fuel: Fuel): string {
  fuel.burn(1);
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
