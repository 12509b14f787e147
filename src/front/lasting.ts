/**
 * What belongs to a route while configurations come and go. Connections that were opened under an older configuration
 * go on counting against the caps of the new one.
 */
import { ConnectionSlots } from '../admission/slots.ts';
import { compileSteps, type StepParts } from '../admission/steps.ts';
import type { Step, VisitKind } from '../admission/visit.ts';
import type { Route } from '../config/types.ts';
import type { HubCounters, RouteCounters } from '../observe/metrics/counters.ts';
import type { ApiRoute } from '../routes/api-routes.ts';
import type { Connector } from '../upstream/connect.ts';
import { Endpoint, endpointKey } from '../upstream/endpoint.ts';

/** So many endpoints of an API's routes may be there unused: more are forgotten, as one is soon made anew. */
const mostUnused = 1000;

/** Where the counters are. */
export interface CountersByRoute {
  of(label: string): RouteCounters;
  readonly unrouted: RouteCounters;
  /** Of the routes of an API. */
  readonly hub: HubCounters;
}

/** Counters and slots by the route's label, as a preset's own routes count with theirs; endpoints by its name. */
export class LastingRoutes {
  readonly counters: CountersByRoute;
  /** What steps of admission need, whatever the configuration. */
  readonly stepParts: StepParts;
  readonly #connector: Connector;
  readonly #slots = new Map<string, ConnectionSlots>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #apiEndpoints = new Map<ApiRoute, Endpoint>();
  /** How many of them may be there before the next look at who is used. */
  #mostApiEndpoints = mostUnused;
  /** The routes of the configuration in force; `null` before the first reload. */
  #inForce: ReadonlySet<Route> | null = null;

  constructor(counters: CountersByRoute, connector: Connector, stepParts: StepParts) {
    this.counters = counters;
    this.stepParts = stepParts;
    this.#connector = connector;
  }

  /** The connection slots of the routes with a label. */
  slotsOf(label: string): ConnectionSlots {
    const slots = this.#slots.get(label) ?? new ConnectionSlots();
    this.#slots.set(label, slots);
    return slots;
  }

  /** The endpoint of a route. Its bounds are those of the route in force, whoever asks. */
  endpointOf(route: Route): Endpoint {
    const key = endpointKey(route);
    const endpoint = this.#endpoints.get(key) ?? new Endpoint(route, this.#connector);
    this.#endpoints.set(key, endpoint);
    if (this.#isInForce(route)) endpoint.use(route);
    return endpoint;
  }

  /** The endpoint of an API's route: the same for as long as anything is open to its target. */
  endpointOfApi(api: ApiRoute, template: Route): Endpoint {
    const known = this.#apiEndpoints.get(api);
    if (known === undefined && this.#apiEndpoints.size >= this.#mostApiEndpoints) this.#forgetUnused();
    const endpoint = known ?? new Endpoint({ ...template, upstream: api.target.upstream }, this.#connector, true);
    this.#apiEndpoints.set(api, endpoint);
    if (this.#isInForce(template)) endpoint.use(template);
    return endpoint;
  }

  /** A request that began under an older configuration does not bring the bounds of that one back. */
  #isInForce(route: Route): boolean {
    return this.#inForce?.has(route) ?? true;
  }

  /** Seldom: not before they are twice as many as those that were used the last time. */
  #forgetUnused(): void {
    for (const [api, { leases, pool }] of this.#apiEndpoints) {
      if (leases === 0 && pool.size === 0) this.#apiEndpoints.delete(api);
    }
    this.#mostApiEndpoints = Math.max(mostUnused, 2 * this.#apiEndpoints.size);
  }

  /** An API's route is there no more: what is open to its target ends when it is given back. */
  forgetApi(api: ApiRoute): void {
    this.#apiEndpoints.get(api)?.retire();
    this.#apiEndpoints.delete(api);
  }

  /** These are in force from now on. Forgets whatever no route has any more and no connection holds. */
  keepOnly(routes: readonly Route[]): void {
    this.#inForce = new Set(routes);
    const labels = new Set(routes.map(({ label }) => label));
    for (const [label, slots] of this.#slots) if (!labels.has(label) && slots.taken === 0) this.#slots.delete(label);
    this.stepParts.rates.keepOnly(labels);
    const used = new Set(routes.map(endpointKey));
    for (const [key, endpoint] of this.#endpoints) {
      if (used.has(key)) continue;
      endpoint.retire();
      if (endpoint.leases === 0) this.#endpoints.delete(key);
    }
  }

  /** How many connections no request holds. */
  get idle(): number {
    let count = 0;
    for (const { pool } of this.#allEndpoints()) count += pool.idle;
    return count;
  }

  /** Closes one of them; `false` where there is none. */
  closeIdle(): boolean {
    for (const { pool } of this.#allEndpoints()) if (pool.closeIdle()) return true;
    return false;
  }

  /** Closes them all, and keeps none from now on. */
  close(): void {
    for (const endpoint of this.#allEndpoints()) endpoint.retire();
  }

  *#allEndpoints(): Iterable<Endpoint> {
    yield* this.#endpoints.values();
    yield* this.#apiEndpoints.values();
  }
}

/** A route, and what lasts of it. Each part is made when the first request meets the route. */
export class LastingRoute {
  readonly route: Route;
  protected readonly lasting: LastingRoutes;
  #counters: RouteCounters | null = null;
  #slots: ConnectionSlots | null = null;
  #http: readonly Step[] | null = null;
  #websocket: readonly Step[] | null = null;

  constructor(route: Route, lasting: LastingRoutes) {
    this.route = route;
    this.lasting = lasting;
  }

  get counters(): RouteCounters {
    this.#counters ??= this.lasting.counters.of(this.route.label);
    return this.#counters;
  }

  get slots(): ConnectionSlots {
    this.#slots ??= this.lasting.slotsOf(this.route.label);
    return this.#slots;
  }

  /** The steps of admission, compiled for this route. */
  steps(kind: VisitKind): readonly Step[] {
    if (kind === 'http') {
      this.#http ??= compileSteps(this.route, kind, this.lasting.stepParts);
      return this.#http;
    }
    this.#websocket ??= compileSteps(this.route, kind, this.lasting.stepParts);
    return this.#websocket;
  }
}
