/**
 * When something was, as a date. What Sluice remembers it remembers by a monotonic clock: that of the day is set now
 * and then, by hours where a machine has slept, and what is older than an hour would be so at once, or never.
 */

/** Both clocks are asked one after the other, and in between the thread may have to wait. */
const toleranceMs = 1000;
let known = Number.NaN;

/**
 * What is added to a time of `performance.now()` to get milliseconds since 1970. It stays the same until the clock of
 * the day is set, so that a time that is told twice is the same.
 */
export function toUnix(): number {
  const found = Date.now() - performance.now();
  if (!(Math.abs(found - known) <= toleranceMs)) known = found;
  return known;
}
