/**
 * What a property asks a hundred thousand times, or of a thousand routes. Each `expect` takes some 20 µs, whatever it
 * is asked, so it is asked only where two things look different at first sight, and says what is different.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/** `expect(actual).toBe(expected)` */
export function expectSame(actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) expect(actual).toBe(expected);
}

/** `expect(actual).toEqual(expected)` */
export function expectEqual(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}
