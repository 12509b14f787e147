/**
 * What belongs to a route while configurations come and go: connections that were opened under an older one go on
 * counting against the caps of the one in force.
 */
import { ConnectionSlots } from '../admission/slots.ts';
import type { Route, UpstreamTarget } from '../config/types.ts';
import type { RouteCounters } from '../metrics/counters.ts';
import { Endpoint } from '../routing/endpoints.ts';

/** Where the counters are. */
export interface CountersByRoute {
  of(routeName: string): RouteCounters;
  readonly unrouted: RouteCounters;
}

/** Counters, slots and endpoints, by the route's name. */
export class LastingRoutes {
  readonly counters: CountersByRoute;
  readonly #slots = new Map<string, ConnectionSlots>();
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(counters: CountersByRoute) {
    this.counters = counters;
  }

  /** The connection slots of a route. */
  slotsOf(routeName: string): ConnectionSlots {
    const slots = this.#slots.get(routeName) ?? new ConnectionSlots();
    this.#slots.set(routeName, slots);
    return slots;
  }

  /** The endpoint of a route at an upstream. */
  endpointOf(routeName: string, upstream: UpstreamTarget): Endpoint {
    const key = keyOf(routeName, upstream);
    const endpoint = this.#endpoints.get(key) ?? new Endpoint(upstream);
    this.#endpoints.set(key, endpoint);
    return endpoint;
  }

  /** Forgets what no route has any more and no connection holds. */
  keepOnly(routes: readonly Route[]): void {
    const names = new Set(routes.map(({ name }) => name));
    for (const [name, slots] of this.#slots) if (!names.has(name) && slots.taken === 0) this.#slots.delete(name);
    const used = new Set(routes.map(({ name, upstream }) => keyOf(name, upstream)));
    for (const [key, { leases }] of this.#endpoints) if (!used.has(key) && leases === 0) this.#endpoints.delete(key);
  }
}

function keyOf(routeName: string, { href }: UpstreamTarget): string {
  return `${routeName} ${href}`;
}
