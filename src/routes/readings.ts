/**
 * The ways in which a backend may read one path.
 *
 * Servers differ in what they make of `%2F`, `//`, `..`, `\`, `;x` and `%00`. A path that every server reads alike has
 * one reading. Otherwise there is one for each combination of the habits below, and routing compares where they lead.
 */

/** What a server may do to a path before it looks for a handler, a bit each, in the order in which servers do it. */
const habit = {
  /** C strings end at NUL. */
  nul: 1,
  encodedSlash: 2,
  backslash: 4,
  /** Path parameters (`;jsessionid=1`) are cut off their segment. */
  parameters: 8,
  /** Empty segments go. Tomcat sees `//` in `/;x/` too. */
  merge: 16,
  dots: 32,
} as const;

const each = Object.values(habit);

const none: readonly string[] = [];

/** Readings times characters: bounds the work that one request can cause. */
const maxWork = 32 * 1024;

/**
 * The segments of a path under each reading, percent-decoded once, one code unit per byte; a trailing slash makes a
 * last, empty segment. The first reading cuts at the slashes as they stand. `null` where the path has too many readings
 * for its length. `before` are segments in front of the path that every server reads as they are.
 */
export function readingsOf(path: string, before: readonly string[] = none): (readonly string[])[] | null {
  const seen = habitsIn(path);
  if (seen === 0) return [read(path, 0, before)];
  // Far the most frequent: a name or a folder with an escaped slash.
  if (seen === habit.encodedSlash) return 2 * path.length > maxWork ? null : withEscapedSlashes(path, before);
  const possible = each.filter((one) => (seen & one) !== 0);
  const count = 2 ** possible.length;
  if (count * path.length > maxWork) return null;
  return Array.from({ length: count }, (_, chosen) =>
    read(
      path,
      possible.reduce((has, one, i) => ((chosen >> i) & 1 ? has | one : has), 0),
      before,
    ),
  );
}

/**
 * The readings of a path whose first segments are known to be names that stand for themselves: what follows them may be
 * read in several ways, and may also lead out of them.
 */
export function readingsBehind(path: string, names: number): (readonly string[])[] | null {
  let at = 0;
  for (let i = 0; i < names && at >= 0; i++) at = path.indexOf('/', at + 1);
  const own = (at < 0 ? path : path.slice(0, at)).slice(1).split('/').map(decodeSegment);
  return at < 0 ? [own] : readingsOf(path.slice(at), own);
}

/** The habits that matter for a path: what each of them is about stands in it. In one pass, for every request. */
function habitsIn(path: string): number {
  let seen = 0;
  // How many dots have come since a separator; less than none behind anything else.
  let dots = -1;
  for (let i = 0; i < path.length; i++) {
    let code = path.charCodeAt(i);
    const escaped = code === 0x25 ? byteAt(path, i + 1) : -1;
    if (escaped >= 0) {
      code = escaped;
      i += 2;
    }
    const follows = dots;
    dots = -1;
    if (code === 0x2e) {
      if (follows >= 0) dots = follows + 1;
      continue;
    }
    const isSeparator = code === 0x2f || code === 0x5c;
    if (isSeparator) dots = 0;
    else if (code !== 0x3b && !(code === 0 && escaped === 0)) continue;
    if (code === 0x2f && escaped >= 0) seen |= habit.encodedSlash;
    else if (code === 0x5c) seen |= habit.backslash;
    else if (code === 0x3b) seen |= habit.parameters;
    else if (code === 0) seen |= habit.nul;
    if (follows === 0 && code !== 0) seen |= habit.merge;
    else if (follows === 1 || follows === 2) seen |= habit.dots;
  }
  return dots === 1 || dots === 2 ? seen | habit.dots : seen;
}

/** Both readings of a path with escaped slashes and nothing else: each segment is decoded once. */
function withEscapedSlashes(path: string, before: readonly string[]): [string[], string[]] {
  const kept = [...before];
  const cut = [...before];
  for (const piece of path.slice(1).split('/')) {
    const segment = decodeSegment(piece);
    kept.push(segment);
    // A slash in it was an escaped one.
    if (segment === piece || !segment.includes('/')) cut.push(segment);
    else for (const part of segment.split('/')) cut.push(part);
  }
  return [kept, cut];
}

function read(path: string, has: number, before: readonly string[]): string[] {
  let text = path;
  if (has & habit.nul) text = text.slice(0, text.indexOf('%00'));
  if (has & habit.encodedSlash) text = text.replace(/%2f/gi, '/');
  if (has & habit.backslash) text = text.replace(/\\|%5c/gi, '/');
  let segments = segmentsOf(text);
  if (text.includes('%')) segments = segments.map(decodeSegment);
  if (has & habit.parameters) segments = segments.map((segment) => segment.split(';', 1)[0]!);
  if (has & habit.merge) segments = segments.filter((segment, i) => segment !== '' || i === segments.length - 1);
  if (before.length > 0) segments = [...before, ...segments];
  return has & habit.dots ? resolveDots(segments) : segments;
}

/** What stands between the slashes behind the first. There are few: to split at them would cost more. */
function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  let from = 1;
  for (let at = path.indexOf('/', 1); at >= 0; at = path.indexOf('/', from)) {
    segments.push(path.slice(from, at));
    from = at + 1;
  }
  segments.push(path.slice(from));
  return segments;
}

/** Removes dot segments (RFC 3986 §5.2.4); nothing is above the root. */
function resolveDots(segments: readonly string[]): string[] {
  const resolved: string[] = [];
  for (const segment of segments) {
    if (segment === '..') resolved.pop();
    else if (segment !== '.') resolved.push(segment);
  }
  return resolved;
}

/** Decodes `%61` to `a`, byte by byte: a backend does, so `/%61dmin` must meet the route of `/admin`. */
export function decodeSegment(segment: string): string {
  let at = segment.indexOf('%');
  if (at < 0) return segment;
  let decoded = '';
  let from = 0;
  for (; at >= 0; at = segment.indexOf('%', at + 1)) {
    const byte = byteAt(segment, at + 1);
    if (byte < 0) continue;
    decoded += segment.slice(from, at) + String.fromCharCode(byte);
    from = at + 3;
    // What was decoded is not looked at again.
    at += 2;
  }
  return from === 0 ? segment : decoded + segment.slice(from);
}

/** What two hexadecimal digits say; -1 where there are none. */
function byteAt(text: string, at: number): number {
  const [high, low] = [hexValue(text.charCodeAt(at)), hexValue(text.charCodeAt(at + 1))];
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** -1 for what is no hexadecimal digit, and behind the end. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
