/**
 * The ways in which a backend may read one path.
 *
 * Servers differ in what they make of `%2F`, `//`, `..`, `\`, `;x` and `%00`. A path that every server reads alike has
 * one reading. Otherwise there is one for each combination of the habits below, and routing compares where they lead.
 */

/** What a server may do to a path before it looks for a handler, in the order in which servers do it. */
const habits = [
  // C strings end at NUL.
  { name: 'nul', seen: /%00/ },
  { name: 'encodedSlash', seen: /%2f/i },
  { name: 'backslash', seen: /\\|%5c/i },
  // Path parameters (`;jsessionid=1`) are cut off their segment.
  { name: 'parameters', seen: /;|%3b/i },
  // Tomcat sees `//` in `/;x/` too.
  { name: 'merge', seen: /(?:[/\\]|%2f|%5c)(?:[/\\;]|%2f|%5c|%3b)/i },
  { name: 'dots', seen: /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c|%3b|%00)/i },
] as const;

type Habit = (typeof habits)[number]['name'];

/** Whether a path needs a closer look: most paths hold none of this. */
const peculiar = /[\\;%]|\/\/|\/\.{1,2}(?:\/|$)/;

/** Readings times characters: bounds the work that one request can cause. */
const maxWork = 32 * 1024;

/**
 * The segments of a path under each reading, percent-decoded once, one code unit per byte; a trailing slash makes a
 * last, empty segment. The first reading cuts at the slashes as they stand. `null` where the path has too many readings
 * for its length.
 */
export function readingsOf(path: string): (readonly string[])[] | null {
  if (!peculiar.test(path)) return [path.slice(1).split('/')];
  const possible = habits.filter(({ seen }) => seen.test(path)).map(({ name }) => name);
  const count = 2 ** possible.length;
  if (count > 1 && count * path.length > maxWork) return null;
  if (count === 1) return [read(path, nothing)];
  // Far the most frequent: a name or a folder with an escaped slash, which has no other habit's marks.
  if (count === 2) return [read(path, nothing), read(path, new Set(possible))];
  return Array.from({ length: count }, (_, chosen) =>
    read(path, new Set(possible.filter((_, i) => (chosen >> i) & 1))),
  );
}

const nothing: ReadonlySet<Habit> = new Set();

function read(path: string, has: ReadonlySet<Habit>): string[] {
  let text = path;
  if (has.has('nul')) text = text.slice(0, text.indexOf('%00'));
  if (has.has('encodedSlash')) text = text.replace(/%2f/gi, '/');
  if (has.has('backslash')) text = text.replace(/\\|%5c/gi, '/');
  let segments = text.slice(1).split('/').map(decodeSegment);
  if (has.has('parameters')) segments = segments.map((segment) => segment.split(';', 1)[0]!);
  if (has.has('merge')) segments = segments.filter((segment, i) => segment !== '' || i === segments.length - 1);
  return has.has('dots') ? resolveDots(segments) : segments;
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
    const [high, low] = [hexValue(segment.charCodeAt(at + 1)), hexValue(segment.charCodeAt(at + 2))];
    if (high < 0 || low < 0) continue;
    decoded += segment.slice(from, at) + String.fromCharCode(high * 16 + low);
    from = at + 3;
    // What was decoded is not looked at again.
    at += 2;
  }
  return from === 0 ? segment : decoded + segment.slice(from);
}

/** -1 for what is no hexadecimal digit, and behind the end. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
