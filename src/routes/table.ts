/**
 * The route table: which route a host and a path belong to. Changed in place, so that one route more costs one route.
 */
import { PathTrie, type TrieEntry } from './path-trie.ts';
import { comparePatterns, compilePattern, type Pattern } from './pattern.ts';
import { readingsBehind, readingsOf } from './readings.ts';

/** What a table reads of a route. */
export interface Routable {
  /** Lower-case exact hosts or `*.example.org`; empty matches every host. */
  readonly hosts: readonly string[];
  /** A pattern, as a file has it. */
  readonly path: string;
  /** The patterns in the place of `path`, where it is none. */
  readonly patterns?: readonly Pattern[];
}

/**
 * Where a path leads: to a route, to none (`null`), or to one of two, depending on how the upstream reads the path. The
 * second may be none; both are `null` where the path has too many readings to follow.
 */
export type FoundRoute<R> = { readonly route: R } | { readonly between: readonly [R | null, R | null] } | null;

/** Where requests find their routes: in a table, or in two. */
export interface RouteLookup<R> {
  /** Where a host (from `hostOf`) and a path lead, under each reading of the path. */
  find(host: string, path: string): FoundRoute<R>;
}

/** What of a route a request meets, by the segments of its path and by how many of them are the route's own. */
export type Meet<S, R> = (route: S, segments: readonly string[], own: number) => R;

/** The routes of one host, or of a wildcard, or of every host, in one table. */
class Place<S, R> {
  readonly trie = new PathTrie<S>();
  /** The less, the more specific the host. */
  readonly rank: number;
  readonly #meet: Meet<S, R> | null;

  constructor(rank: number, meet: Meet<S, R> | null) {
    this.rank = rank;
    this.#meet = meet;
  }

  /** The only route, where every path leads to it; `null` elsewhere. */
  get sole(): R | null {
    return this.#meet === null ? (this.trie.sole as R | null) : null;
  }

  match(segments: readonly string[]): TrieEntry<S> | null {
    return this.trie.match(segments);
  }

  /** How many segments at the beginning of a path are names of the route's own: a program's routes have no patterns. */
  namesOf({ specificity }: TrieEntry<S>): number {
    return this.#meet === null ? 0 : specificity.length;
  }

  met({ route, specificity }: TrieEntry<S>, segments: readonly string[]): R {
    return this.#meet === null ? (route as unknown as R) : this.#meet(route, segments, specificity.length);
  }
}

/** The same, whatever its routes are. */
type AnyPlace<R> = Pick<Place<unknown, R>, 'rank' | 'sole' | 'match' | 'namesOf' | 'met'>;

const everyHostRank = Number.POSITIVE_INFINITY;
/** Longer than a host. */
const wildcardRank = 1 << 16;

/** A table of routes. */
export class RouteTable<S extends Routable, R = S> {
  /** By exact host. */
  readonly #exact = new Map<string, Place<S, R>>();
  /** By what follows the star, from its dot on. */
  readonly #wildcard = new Map<string, Place<S, R>>();
  readonly #everyHost: Place<S, R>;
  readonly #meet: Meet<S, R> | null;

  /** The routes in the order of the file: what is equally specific stays in it. `null` meets them as they are. */
  constructor(routes: Iterable<S> = [], meet: Meet<S, R> | null = null) {
    this.#meet = meet;
    this.#everyHost = new Place(everyHostRank, meet);
    for (const route of routes) this.add(route);
  }

  add(route: S): void {
    for (const pattern of patternsOf(route)) {
      for (const host of route.hosts) this.#placeOf(host).trie.add(route, pattern);
      if (route.hosts.length === 0) this.#everyHost.trie.add(route, pattern);
    }
  }

  /** Takes a route out, found by its identity, its hosts and its path. */
  remove(route: S): void {
    for (const pattern of patternsOf(route)) {
      for (const host of route.hosts) {
        const [places, key] = this.#keyOf(host);
        const trie = places.get(key)?.trie;
        trie?.remove(route, pattern);
        if (trie?.size === 0) places.delete(key);
      }
      if (route.hosts.length === 0) this.#everyHost.trie.remove(route, pattern);
    }
  }

  /** Where a host (from `hostOf`) and a path lead, under each reading of the path. */
  find(host: string, path: string): FoundRoute<R> {
    return findAt(this.placesFor(host), path);
  }

  /** Where routes for a host may be, the most specific first. */
  placesFor(host: string): AnyPlace<R>[] {
    const places: AnyPlace<R>[] = [];
    const exact = this.#exact.size === 0 ? undefined : this.#exact.get(host);
    if (exact !== undefined) places.push(exact);
    if (this.#wildcard.size > 0) {
      // A star stands for one character or more.
      for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
        const wildcard = this.#wildcard.get(host.slice(dot));
        if (wildcard !== undefined) places.push(wildcard);
      }
    }
    if (this.#everyHost.trie.size > 0) places.push(this.#everyHost);
    return places;
  }

  #placeOf(host: string): Place<S, R> {
    const [places, key] = this.#keyOf(host);
    // Of two wildcards that match one host, the longer is below the other.
    const rank = places === this.#exact ? 0 : wildcardRank - key.length;
    const place = places.get(key) ?? new Place(rank, this.#meet);
    places.set(key, place);
    return place;
  }

  #keyOf(host: string): [places: Map<string, Place<S, R>>, key: string] {
    return host.startsWith('*.') ? [this.#wildcard, host.slice(1)] : [this.#exact, host];
  }
}

/** Two tables as one: of equally specific routes that of the first wins. */
export class TwoTables<R> {
  readonly #first: Pick<RouteTable<never, R>, 'placesFor'>;
  readonly #second: Pick<RouteTable<never, R>, 'placesFor'>;

  constructor(first: Pick<RouteTable<never, R>, 'placesFor'>, second: Pick<RouteTable<never, R>, 'placesFor'>) {
    this.#first = first;
    this.#second = second;
  }

  find(host: string, path: string): FoundRoute<R> {
    const places = this.#first.placesFor(host);
    if (places.length === 0) return findAt(this.#second.placesFor(host), path);
    places.push(...this.#second.placesFor(host));
    return findAt(
      places.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0)),
      path,
    );
  }
}

function patternsOf({ path, patterns }: Routable): readonly Pattern[] {
  return patterns ?? [compilePattern(path)];
}

function findAt<R>(places: readonly AnyPlace<R>[], path: string): FoundRoute<R> {
  const [first, second] = places;
  if (first === undefined) return null;
  // With one route for a host every reading leads there.
  const sole = second !== undefined && second.rank === first.rank ? null : first.sole;
  if (sole !== null) return { route: sole };
  const readings = readingsOf(path);
  if (readings === null) return { between: [null, null] };
  const route = matchAt(places, readings[0]!, met);
  let other = otherThan(route, places, readings);
  if (other !== undefined && route !== null) {
    const behind = behindNames(places, path, readings[0]!);
    if (behind !== null) other = otherThan(route, places, behind);
  }
  if (other === undefined) return route === null ? null : { route };
  return { between: route === null ? [other, null] : [route, other] };
}

/** Where another reading leads; `undefined` where all lead to the route of the first. */
function otherThan<R>(
  route: R | null,
  places: readonly AnyPlace<R>[],
  readings: readonly (readonly string[])[],
): R | null | undefined {
  for (let i = 1; i < readings.length; i++) {
    const other = matchAt(places, readings[i]!, met);
    if (other !== route) return other;
  }
  return undefined;
}

/** What servers may read as something else. */
const isOdd = /[\\;/]|^$/;

/**
 * The readings of what follows the names of the route that `segments` match, where those alone are read in several
 * ways, such as `/user/DOMAIN\ann`; `null` elsewhere. A program has set the route under that very path, and its server
 * is nobody else's, however that reads it.
 */
function behindNames<R>(
  places: readonly AnyPlace<R>[],
  path: string,
  segments: readonly string[],
): (readonly string[])[] | null {
  const names = matchAt(places, segments, namesOf)!;
  return segments.slice(0, names).some((segment) => isOdd.test(segment)) ? readingsBehind(path, names) : null;
}

function met<R>(place: AnyPlace<R>, entry: TrieEntry<unknown>, segments: readonly string[]): R {
  return place.met(entry, segments);
}

function namesOf<R>(place: AnyPlace<R>, entry: TrieEntry<unknown>): number {
  return place.namesOf(entry);
}

/** What is made of the most specific match; `null` where there is none. */
function matchAt<R, M>(
  places: readonly AnyPlace<R>[],
  segments: readonly string[],
  make: (place: AnyPlace<R>, entry: TrieEntry<unknown>, segments: readonly string[]) => M,
): M | null {
  let best: TrieEntry<unknown> | null = null;
  let at: AnyPlace<R> | null = null;
  for (const place of places) {
    if (at !== null && place.rank > at.rank) break;
    const one = place.match(segments);
    if (one === null || (best !== null && comparePatterns(one.specificity, best.specificity) >= 0)) continue;
    best = one;
    at = place;
  }
  return best === null ? null : make(at!, best, segments);
}
