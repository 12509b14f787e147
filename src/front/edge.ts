/**
 * What the listener decides by: made anew when the configuration changes. Routes of an API come and go in its table.
 */
import { Networks } from '../admission/networks.ts';
import { type Config, labelledRoutes, type Route } from '../config/types.ts';
import type { RouteCounters, Timed } from '../observe/metrics/counters.ts';
import { type FoundRoute, type RouteLookup, RouteTable, TwoTables } from '../routes/table.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { EdgeRoute } from './edge-route.ts';
import type { HubRoutes } from './hub-routes.ts';
import { LastingRoute, type LastingRoutes } from './lasting.ts';

/** A route of the file. */
export class FileRoute extends LastingRoute implements EdgeRoute {
  readonly hub = null;
  #endpoint: Endpoint | null = null;

  get hosts(): readonly string[] {
    return this.route.hosts;
  }

  get path(): string {
    return this.route.path;
  }

  get endpoint(): Endpoint {
    this.#endpoint ??= this.lasting.endpointOf(this.route);
    return this.#endpoint;
  }
}

export interface Edge {
  readonly routes: RouteLookup<EdgeRoute>;
  readonly byName: ReadonlyMap<string, Route>;
  readonly proxies: Networks;
  /** Who begins connections with a PROXY protocol header. */
  readonly proxyProtocol: Networks;
  /** How many bits of an IPv6 address say whose it is. */
  readonly ipv6Prefix: number;
  /** For what ends before a route is known. */
  readonly unrouted: RouteCounters;
  /**
   * Time for a request's headers, in milliseconds; 0 is off. It is the longest of all routes, because headers come
   * before the route is known.
   */
  readonly headersMs: number;
  /** The routes of an API, where there is one. */
  readonly hub: HubRoutes | null;
}

/** A table whose look-ups are timed: CHP tells how long its own take. */
class TimedLookup<R> implements RouteLookup<R> {
  readonly #table: RouteLookup<R>;
  readonly #timed: Timed;

  constructor(table: RouteLookup<R>, timed: Timed) {
    this.#table = table;
    this.#timed = timed;
  }

  find(host: string, path: string): FoundRoute<R> {
    const from = performance.now();
    const found = this.#table.find(host, path);
    this.#timed.add(from, performance.now());
    return found;
  }
}

/** Compiles a configuration; what is counted per route goes on from `lasting`, and so do the routes of an API. */
export function compileEdge(config: Config, lasting: LastingRoutes, hub: HubRoutes | null = null): Edge {
  const { counters } = lasting;
  const labelled = labelledRoutes(config);
  const headersMs = labelled.map((route) => route.timeouts.headersMs);
  const file = new RouteTable<FileRoute, EdgeRoute>(config.routes.map((route) => new FileRoute(route, lasting)));
  const routes = hub === null ? file : new TimedLookup(new TwoTables<EdgeRoute>(file, hub.table), counters.hub.lookUps);
  return {
    routes,
    hub,
    byName: new Map(labelled.map((route) => [route.name, route])),
    proxies: new Networks(config.listen.trustedProxies),
    proxyProtocol: new Networks(config.listen.proxyProtocol),
    ipv6Prefix: config.listen.ipv6Prefix,
    unrouted: counters.unrouted,
    headersMs: headersMs.includes(0) ? 0 : Math.max(...headersMs),
  };
}
