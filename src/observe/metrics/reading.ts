/** One reading of what is counted and of what is open, for all who show it: the scrape, the status page, the API. */
import { type Config, labelledRoutes, type Route } from '../../config/types.ts';
import type { RouteCounters } from './counters.ts';
import { addSums, type RouteSums, sumsByRoute, zeroSums } from './live-sums.ts';
import type { LiveSource } from './source.ts';
import { type CounterStore, unroutedName } from './store.ts';

/** Everything about one label: a route, and those that its preset brought. */
export interface RouteReading {
  readonly label: string;
  readonly counters: Readonly<RouteCounters>;
  readonly live: RouteSums;
  /** The route that is named so; `null` where the configuration in force has none. */
  readonly route: Route | null;
}

/** Whether a connection ever was open there. */
export function hadConnections({ live, counters }: RouteReading): boolean {
  return live.connections > 0 || counters.handshakes.get('opened') > 0;
}

/** What is read. */
export interface ReadSource {
  config(): Config;
  readonly counters: CounterStore;
  readonly live: LiveSource;
}

/** Reads every label that there is or was, in the order of the configuration; what no route matched comes last. */
export function readRoutes(source: ReadSource): RouteReading[] {
  const { counters } = source;
  const configured = new Map(labelledRoutes(source.config()).map((route) => [route.name, route]));
  const live = new Map<string, RouteSums>();
  for (const [{ label }, sums] of sumsByRoute(source)) live.set(label, addSums(live.get(label) ?? zeroSums(), sums));
  const labels = new Set([...live.keys(), ...[...counters.entries()].map(([label]) => label)]);
  const readings: RouteReading[] = [];
  for (const label of labels) {
    const route = configured.get(label) ?? null;
    readings.push({ label, counters: counters.read(label), live: live.get(label) ?? zeroSums(), route });
  }
  readings.push({ label: unroutedName, counters: counters.unrouted, live: zeroSums(), route: null });
  return readings;
}
