/** The route table: which route a host and a path belong to. */
import { comparePatterns, compilePattern, matchesPattern, type Pattern } from './pattern.ts';

/** What the table reads of a route. */
export interface Routable {
  /** Lower-case exact hosts or `*.example.org`; empty matches every host. */
  readonly hosts: readonly string[];
  readonly path: string;
}

interface Entry<R> {
  readonly route: R;
  readonly pattern: Pattern;
  /** Exact, or from the dot on for a wildcard, or `''` for every host. */
  readonly host: string;
  readonly kind: HostKind;
}

const hostKinds = { exact: 0, wildcard: 1, none: 2 } as const;
type HostKind = keyof typeof hostKinds;

/** An immutable, compiled table of routes. */
export class RouteTable<R extends Routable> {
  readonly #entries: readonly Entry<R>[];

  constructor(routes: readonly R[]) {
    // The sort is stable: what is equally specific stays in the order of the file.
    this.#entries = routes.flatMap(entriesOf).sort(compareEntries);
  }

  /** The most specific route for a host (from `hostOf`) and decoded path segments (from `parseTarget`). */
  match(host: string, segments: readonly string[]): R | null {
    for (const entry of this.#entries) {
      if (matchesHost(entry, host) && matchesPattern(entry.pattern, segments)) return entry.route;
    }
    return null;
  }
}

function entriesOf<R extends Routable>(route: R): Entry<R>[] {
  const pattern = compilePattern(route.path);
  if (route.hosts.length === 0) return [{ route, pattern, host: '', kind: 'none' }];
  return route.hosts.map((host) =>
    host.startsWith('*.')
      ? { route, pattern, host: host.slice(1), kind: 'wildcard' }
      : { route, pattern, host, kind: 'exact' },
  );
}

function compareEntries<R>(a: Entry<R>, b: Entry<R>): number {
  const byKind = hostKinds[a.kind] - hostKinds[b.kind];
  if (byKind !== 0) return byKind;
  // Of two wildcards that match one host, the longer is below the other.
  if (a.kind === 'wildcard' && a.host.length !== b.host.length) return b.host.length - a.host.length;
  return comparePatterns(a.pattern, b.pattern);
}

function matchesHost<R>(entry: Entry<R>, host: string): boolean {
  if (entry.kind === 'exact') return entry.host === host;
  return host.length > entry.host.length && host.endsWith(entry.host);
}
