/**
 * The request target. What is routed must be what the backend sees, so a path that two programs may read in two ways is
 * refused: an encoded slash, a dot segment, an empty segment, a backslash, NUL.
 */

/** A target that can be routed and forwarded. */
export interface Target {
  /** In origin form, byte for byte as it came: path and query. */
  readonly target: string;
  /** The path alone. */
  readonly path: string;
  /** Its segments, percent-decoded once, one code unit per byte; a trailing slash makes a last, empty one. */
  readonly segments: readonly string[];
}

/** Why a target is not routed. */
export type TargetProblem = 'bad_request' | 'ambiguous_path';

/** `%2f`, `%5c` and `%00` become something else than a character of a segment once they are decoded. */
const ambiguous = /\/\/|%(?:2f|5c|00)|[\\#]/i;
/** Controls, spaces and what is no byte; other bytes above 0x7f pass, as clients do send them. */
const notInTarget = /[^!-\u00ff]/;
/** Decoded; `;` begins path parameters, which some servers cut off before they look for dots. */
const dotSegment = /^\.\.?(?:;|$)/;
const absolute = /^(?:https?|wss?):\/\/([^/?#]+)(.*)$/is;

/** Reads a request target; one in absolute form must name the same host as the `Host` header (RFC 9112 §3.2.2). */
export function parseTarget(raw: string, hostHeader: string): Target | TargetProblem {
  const target = originForm(raw, hostHeader);
  if (target === null || notInTarget.test(target)) return 'bad_request';
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (ambiguous.test(path) || target.includes('#')) return 'ambiguous_path';
  const segments = path.slice(1).split('/').map(decodeSegment);
  return segments.some((segment) => dotSegment.test(segment)) ? 'ambiguous_path' : { target, path, segments };
}

function originForm(raw: string, hostHeader: string): string | null {
  if (raw.startsWith('/')) return raw;
  const match = absolute.exec(raw);
  if (match === null || match[1]!.toLowerCase() !== hostHeader.toLowerCase()) return null;
  const rest = match[2]!;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Decodes `%61` to `a`, byte by byte: a backend does, so `/%61dmin` must meet the route of `/admin`. */
export function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  return segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
