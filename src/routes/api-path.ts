/**
 * The path of a route as an API names it: `/user/ann`, or with hosts `/ann.example.org/user/ann`. Its escapes are
 * decoded once, a trailing slash means nothing, and no segment of it is a pattern.
 */
import { decodeSegment } from './readings.ts';
import type { RouteProblem } from './route-problem.ts';

/** A path that a route can have. */
export interface ApiPath {
  /** What the route is known by: decoded, without a trailing slash; the root is `/`. */
  readonly key: string;
  /**
   * Segments by which requests find it, one code unit per byte, in each way in which its escaped slashes may be read.
   */
  readonly ways: readonly (readonly string[])[];
}

/** Longer than the longest name of a user and of a server, escaped. */
const longestPath = 4096;
const root: ApiPath = { key: '/', ways: [[]] };

const controls = /\p{Cc}/u;

/** Reads a path as it stands in a request; what is left out is the root. */
export function parseApiPath(raw: string): ApiPath | RouteProblem {
  if (raw.length > longestPath)
    return { problem: `the path has ${raw.length} characters, at most ${longestPath} may be` };
  const trimmed = raw.replace(/^\/|\/$/g, '');
  if (trimmed === '') return root;
  const text = decoded(trimmed);
  if (text === null || !text.isWellFormed())
    return { problem: 'the path holds an escape that is no UTF-8; write %25 for a percent sign' };
  if (controls.test(text)) return { problem: 'the path holds a control character' };
  const path = text.replace(/\/$/, '');
  if (path === '') return root;
  const segments = path.split('/');
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    return { problem: 'the path holds a dot segment, which servers read as another path' };
  }
  const ways = [segments.map(bytesOf)];
  // The backend's own path has the escape still, and a request for it may be read in both ways.
  if (/%2f/i.test(trimmed)) ways.push(trimmed.split('/').map((segment) => bytesOf(decodeSegment(segment))));
  return { key: ['', ...segments].join('/'), ways };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * UTF-8 with one code unit per byte, as readings of a request's path have it. Each is a string of its own: a part of
 * the path would hold all of the request for as long as the route is there.
 */
function bytesOf(segment: string): string {
  return Buffer.from(segment).toString('latin1');
}
