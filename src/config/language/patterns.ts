/**
 * How addresses, names and paths are spelled, as regular expressions: the parsers decide by them, and the JSON Schema
 * shows them to editors and to Helm. Written for Go's expressions too: no look-around, no back reference.
 */

/** Whole numbers from `least` (0 or 1) up to a bound, without leading zeros. */
export function upTo(most: number, least: 0 | 1 = 0): string {
  const text = String(most);
  const last = text.length - 1;
  // Shorter numbers, then those of the same length that differ from the bound at each digit, then the bound.
  const shorter = last === 0 ? [] : [`[${least}-9]`, ...(last > 1 ? [`[1-9]${digits(1, last - 1)}`] : [])];
  const same = [...text].flatMap((digit, i) => {
    const from = i === 0 && (last > 0 || least === 1) ? 1 : 0;
    const to = Number(digit) - 1;
    if (to < from) return [];
    return [`${text.slice(0, i)}${from === to ? from : `[${from}-${to}]`}${digits(last - i, last - i)}`];
  });
  return `(${[...shorter, ...same, text].join('|')})`;
}

function digits(from: number, to: number): string {
  if (to === 0) return '';
  if (from !== to) return `[0-9]{${from},${to}}`;
  return to === 1 ? '[0-9]' : `[0-9]{${to}}`;
}

/** A TCP port to listen on; 0 takes a free one. */
export const listenPort = upTo(65_535);
/** A TCP port to connect to. */
export const port = upTo(65_535, 1);

/** The number of a database of Redis, which has 16 unless told otherwise. */
export const database = upTo(9999);

const octet = upTo(255);
/** Four numbers. */
export const ipv4 = `${octet}([.]${octet}){3}`;

const group = '[0-9A-Fa-f]{1,4}';
const lastTwo = `(${group}:${group}|${ipv4})`;
/** Every way to leave groups out (RFC 3986, 3.2.2), without a zone. */
export const ipv6 = `(${[
  `(${group}:){6}${lastTwo}`,
  `::(${group}:){5}${lastTwo}`,
  `(${group})?::(${group}:){4}${lastTwo}`,
  `((${group}:)?${group})?::(${group}:){3}${lastTwo}`,
  `((${group}:){0,2}${group})?::(${group}:){2}${lastTwo}`,
  `((${group}:){0,3}${group})?::${group}:${lastTwo}`,
  `((${group}:){0,4}${group})?::${lastTwo}`,
  `((${group}:){0,5}${group})?::${group}`,
  `((${group}:){0,6}${group})?::`,
].join('|')})`;

const label = '[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
/** A DNS name of at most 253 characters; digits and dots alone pass here, see `nameNotNumbers`. */
export const hostname = `${label}([.]${label})*`;
export const longestHostname = 253;
/** What a name has and an address in numbers has not: four numbers that are no address are no name either. */
export const nameNotNumbers = '[A-Za-z_-]';

/** A method of HTTP; every one in use is in capitals. */
export const method = '[A-Z][A-Z0-9_-]*';
export const longestMethod = 32;

/** The longest path of a unix socket: sun_path holds 108 bytes with its terminator (unix(7)). */
export const socketPath = '/[ -~]{0,106}';
/** A path in the place of a host, with its slashes as escapes, and behind it the path of a URL. */
export const socketUrl =
  '(http[+]unix|unix[+]http)://%2[Ff]([A-Za-z0-9._~-]|%[2-7][0-9A-Fa-f]){0,106}(/[A-Za-z0-9._~/-]*)?';

/** What a path pattern must be like, each with its own expression so that a refusal shows the one that matters. */
export const path = {
  segments: '^/([^/]+/)*[^/]*$',
  /**
   * Browsers encode all else. Encoded dots, slashes, backslashes and NUL mean different things to different servers.
   */
  characters: '^([!"$&-.0-:;<=>@-\\[\\]-~/]|%([1346-9A-Fa-f][0-9A-Fa-f]|0[1-9A-Fa-f]|2[0-9A-Da-d]|5[0-9ABDEFabdef]))*$',
  /** `*` and `**` are whole segments. */
  stars: '^(/([*]{1,2}|[^*/]*))*$',
  /** No request keeps `.` and `..`, nor `..;x`. */
  dots: '^(/([^./][^/]*|[.][^./;][^/]*|[.][.][^/;][^/]*)?)*$',
} as const;
