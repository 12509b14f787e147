/**
 * Path patterns: literal segments, `*` for one segment, `**` for any number. A pattern is a prefix of whole segments.
 */
import { decodeSegment } from './readings.ts';

/** One segment of a pattern; `null` is `*`. */
type Piece = string | null;

/** How specific a pattern is, whatever it matches. */
export interface Specificity {
  /** How many segments a path must have at least. */
  readonly length: number;
  /** One rank per segment: 0 literal, 1 `*`, 2 `**`. */
  readonly ranks: readonly number[];
}

/** A compiled pattern. */
export interface Pattern extends Specificity {
  /** The runs of segments between `**`; the first begins at the start of the path, each other one anywhere later. */
  readonly runs: readonly (readonly Piece[])[];
  /** The same for all patterns of so many literal segments: what a table keeps of a pattern that it has taken apart. */
  readonly specificity: Specificity;
}

/** Compiles a pattern that configuration has validated. */
export function compilePattern(path: string): Pattern {
  const segments = path.split('/').filter((segment) => segment !== '');
  const runs: Piece[][] = [[]];
  for (const segment of segments) {
    if (segment === '**') runs.push([]);
    else runs.at(-1)!.push(segment === '*' ? null : decodeSegment(segment));
  }
  const length = segments.filter((segment) => segment !== '**').length;
  const ranks = segments.map((segment) => (segment === '**' ? 2 : segment === '*' ? 1 : 0));
  return { runs, length, ranks, specificity: { length, ranks } };
}

/** Those of literals alone, by their number: thousands of routes share them. */
const literal = new Map<number, Specificity>();

/** The pattern of a path whose segments, decoded, are all meant literally. */
export function literalPattern(segments: readonly string[]): Pattern {
  const { length } = segments;
  const specificity = literal.get(length) ?? { length, ranks: new Array<number>(length).fill(0) };
  literal.set(length, specificity);
  return { runs: [segments], ...specificity, specificity };
}

/**
 * Whether a pattern matches a path, given as decoded segments, or what of it follows the first `from` of them. Linear:
 * each run takes the first place it finds.
 */
export function matchesPattern({ runs }: Pattern, segments: readonly string[], from = 0): boolean {
  let at = from;
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i]!;
    const last = i === 0 ? from : segments.length - run.length;
    while (at <= last && !runIsAt(run, segments, at)) at++;
    if (at > last) return false;
    at += run.length;
  }
  return true;
}

function runIsAt(run: readonly Piece[], segments: readonly string[], at: number): boolean {
  for (let i = 0; i < run.length; i++) {
    const piece = run[i]!;
    const segment = segments[at + i];
    if (piece === null ? segment === undefined || segment === '' : segment !== piece) return false;
  }
  return true;
}

/**
 * Orders patterns, the more specific first: the longer one; then the first difference, a literal before `*` before
 * `**`.
 */
export function comparePatterns(a: Specificity, b: Specificity): number {
  if (a.length !== b.length) return b.length - a.length;
  for (let i = 0; i < Math.min(a.ranks.length, b.ranks.length); i++) {
    if (a.ranks[i] !== b.ranks[i]) return a.ranks[i]! - b.ranks[i]!;
  }
  return a.ranks.length - b.ranks.length;
}
