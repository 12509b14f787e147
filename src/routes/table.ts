/**
 * The route table: which route a host and a path belong to. Changed in place, so that one route more costs one route.
 */
import { PathTrie } from './path-trie.ts';
import { compilePattern, type Pattern } from './pattern.ts';
import { readingsOf } from './readings.ts';

/** What the table reads of a route, wherever that comes from: a file's routes and an API's stand in one table. */
export interface Routable<R = unknown> {
  /** Lower-case exact hosts or `*.example.org`; empty matches every host. */
  readonly hosts: readonly string[];
  /** A pattern, as a file has it. */
  readonly path: string;
  /** The patterns in the place of `path`, where it is none. */
  readonly patterns?: readonly Pattern[];
  /** What of the route a request with these segments meets, where its requests do not all meet the same. */
  within?(segments: readonly string[]): R;
}

/**
 * Where a path leads: to a route, to none (`null`), or to one of two, depending on how the upstream reads the path. The
 * second may be none; both are `null` where the path has too many readings to follow.
 */
export type FoundRoute<R> = { readonly route: R } | { readonly between: readonly [R | null, R | null] } | null;

/** A table of routes. */
export class RouteTable<R extends Routable<R>> {
  /** By exact host. */
  readonly #exact = new Map<string, PathTrie<R>>();
  /** By what follows the star, from its dot on. */
  readonly #wildcard = new Map<string, PathTrie<R>>();
  readonly #everyHost = new PathTrie<R>();

  /** The routes in the order of the file: what is equally specific stays in it. */
  constructor(routes: Iterable<R> = []) {
    for (const route of routes) this.add(route);
  }

  add(route: R): void {
    for (const pattern of patternsOf(route)) {
      for (const [tries, host] of this.#placesOf(route)) {
        const trie = tries.get(host) ?? new PathTrie<R>();
        tries.set(host, trie);
        trie.add(route, pattern);
      }
      if (route.hosts.length === 0) this.#everyHost.add(route, pattern);
    }
  }

  /** Takes a route out, found by its identity, its hosts and its path. */
  remove(route: R): void {
    for (const pattern of patternsOf(route)) {
      for (const [tries, host] of this.#placesOf(route)) removeFrom(tries, host, route, pattern);
      if (route.hosts.length === 0) this.#everyHost.remove(route, pattern);
    }
  }

  /** Where a host (from `hostOf`) and a path lead, under each reading of the path. */
  find(host: string, path: string): FoundRoute<R> {
    const tries = this.#triesFor(host);
    // With one route for a host every reading leads there.
    const sole = tries[0]!.sole;
    if (sole !== null && sole.within === undefined) return { route: sole };
    const readings = readingsOf(path);
    if (readings === null) return { between: [null, null] };
    const route = matchIn(tries, readings[0]!);
    for (let i = 1; i < readings.length; i++) {
      const other = matchIn(tries, readings[i]!);
      if (other !== route) return { between: route === null ? [other, null] : [route, other] };
    }
    return route === null ? null : { route };
  }

  /** Those that may hold a route for the host, the most specific first; the last is that of every host. */
  #triesFor(host: string): PathTrie<R>[] {
    const tries: PathTrie<R>[] = [];
    const exact = this.#exact.get(host);
    if (exact !== undefined) tries.push(exact);
    if (this.#wildcard.size > 0) {
      // Of two wildcards that match one host, the longer is below the other. A star stands for one character or more.
      for (let dot = host.indexOf('.', 1); dot > 0; dot = host.indexOf('.', dot + 1)) {
        const trie = this.#wildcard.get(host.slice(dot));
        if (trie !== undefined) tries.push(trie);
      }
    }
    if (this.#everyHost.size > 0 || tries.length === 0) tries.push(this.#everyHost);
    return tries;
  }

  #placesOf({ hosts }: Routable<R>): [tries: Map<string, PathTrie<R>>, host: string][] {
    return hosts.map((host) => (host.startsWith('*.') ? [this.#wildcard, host.slice(1)] : [this.#exact, host]));
  }
}

function patternsOf({ path, patterns }: Routable): readonly Pattern[] {
  return patterns ?? [compilePattern(path)];
}

function removeFrom<R>(tries: Map<string, PathTrie<R>>, host: string, route: R, pattern: Pattern): void {
  const trie = tries.get(host);
  if (trie === undefined) return;
  trie.remove(route, pattern);
  if (trie.size === 0) tries.delete(host);
}

function matchIn<R extends Routable<R>>(tries: readonly PathTrie<R>[], segments: readonly string[]): R | null {
  for (const trie of tries) {
    const route = trie.match(segments);
    if (route !== null) return route.within?.(segments) ?? route;
  }
  return null;
}
