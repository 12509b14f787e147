/** Who owns the counters: one set per route name, for as long as the process lives. */
import type { AdminRefusal } from '../outcomes.ts';
import { RouteCounters, Tally } from './counters.ts';

/** The `route` label of what ends before a route is known. */
export const unroutedName = '(none)';

/** All counters, by the route's name: a route that a reload removes keeps its history, one that returns goes on. */
export class CounterStore {
  readonly #byRoute = new Map<string, RouteCounters>();
  /** Handshakes and requests that no route has matched. */
  readonly unrouted = new RouteCounters();
  /** Requests of operators that the admin port has turned away. */
  readonly adminRefusals = new Tally<[reason: AdminRefusal]>();

  /** The counters of a route; made at the first call. */
  of(routeName: string): RouteCounters {
    let counters = this.#byRoute.get(routeName);
    if (!counters) {
      counters = new RouteCounters();
      this.#byRoute.set(routeName, counters);
    }
    return counters;
  }

  /** The counters of every route there ever was. */
  entries(): Iterable<[routeName: string, counters: RouteCounters]> {
    return this.#byRoute.entries();
  }
}
