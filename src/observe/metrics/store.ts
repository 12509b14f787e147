/** Who owns the counters: one set per route name, for as long as the process lives. */
import type { AdminRefusal } from '../../catalogue/outcomes.ts';
import { HubCounters, QuotaStoreCounters, RouteCounters, Tally } from './counters.ts';

/** The `route` label of what ends before a route is known. */
export const unroutedName = '(none)';

/** What is read of a route that nobody has used. */
const nothing: Readonly<RouteCounters> = new RouteCounters();

/** All counters, by the route's label: a route that a reload removes keeps its history, one that returns goes on. */
export class CounterStore {
  readonly #byRoute = new Map<string, RouteCounters>();
  /** Handshakes and requests that no route has matched. */
  readonly unrouted = new RouteCounters();
  /** Requests of operators that the admin port has turned away. */
  readonly adminRefusals = new Tally<[reason: AdminRefusal]>();

  /** Where a program sets routes. */
  readonly hub = new HubCounters();

  /** Questions to the store of shared quotas. */
  readonly quotaStore = new QuotaStoreCounters();

  /** The counters of a label; made at the first call. */
  of(label: string): RouteCounters {
    let counters = this.#byRoute.get(label);
    if (!counters) {
      counters = new RouteCounters();
      this.#byRoute.set(label, counters);
    }
    return counters;
  }

  /** The counters of a label, to be read alone: where nothing was counted, none are made. */
  read(label: string): Readonly<RouteCounters> {
    return this.#byRoute.get(label) ?? nothing;
  }

  /** The counters of every label there ever was. */
  entries(): Iterable<[label: string, counters: RouteCounters]> {
    return this.#byRoute.entries();
  }
}
