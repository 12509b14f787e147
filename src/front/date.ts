/**
 * The time in a `Date` field (RFC 9110 §5.6.7), put into words once in a second. V8 looks the time zone up for each
 * `toUTCString`, which took 4 % of a refused handshake (measured).
 */
let knownSecond = Number.NaN;
let inWords = '';

/** A moment, in milliseconds since 1970: `Mon, 30 Nov 2026 05:40:12 GMT`. */
export function httpDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== knownSecond) {
    knownSecond = second;
    inWords = new Date(second * 1000).toUTCString();
  }
  return inWords;
}
