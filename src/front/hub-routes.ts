/**
 * The routes of an API as requests meet them. Each has a target of its own; limits, caps and metrics are those of a
 * template, which is found by what the route belongs to and by what follows its path. So one user more costs a row
 * of the table, and nothing that is counted or compiled.
 */
import type { ConnectionSlots } from '../admission/slots.ts';
import type { Step, VisitKind } from '../admission/visit.ts';
import type { Route, RouteKind, RoutesApi, RouteTemplate, TargetRules, UpstreamTarget } from '../config/types.ts';
import type { Changes } from '../http/changes.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { ApiRoute, ApiRoutesListener } from '../routes/api-routes.ts';
import { comparePatterns, compilePattern, matchesPattern, type Pattern } from '../routes/pattern.ts';
import { decodeSegment } from '../routes/readings.ts';
import { RouteTable } from '../routes/table.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { EdgeRoute, HubDuties } from './edge-route.ts';
import { LastingRoute, type LastingRoutes } from './lasting.ts';

/** A template, and what its routes share. */
class Template extends LastingRoute {
  readonly pattern: Pattern;

  constructor({ route, path }: RouteTemplate, lasting: LastingRoutes) {
    super(route, lasting);
    this.pattern = compilePattern(path);
  }
}

/** What all of them share, until the configuration changes. */
interface Shared {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether any rule changes what targets are told. */
  readonly changes: boolean;
  readonly lasting: LastingRoutes;
  readonly rules: TargetRules;
  readonly upstreamActivity: boolean;
  /** The most specific path first; the last one fits every path. */
  readonly templates: ReadonlyMap<RouteKind, readonly Template[]>;
}

/** Nobody is refused by it. */
const change: Step = (visit) => {
  (visit.route as HubRoute).change(visit.change());
  return null;
};

/** A route of an API under one of its templates. */
export class HubRoute implements EdgeRoute, HubDuties {
  readonly api: ApiRoute;
  readonly #template: Template;
  readonly #shared: Shared;

  constructor(api: ApiRoute, shared: Shared, template: Template) {
    this.api = api;
    this.#template = template;
    this.#shared = shared;
  }

  get hub(): this {
    return this;
  }

  get route(): Route {
    return this.#template.route;
  }

  get counters(): RouteCounters {
    return this.#template.counters;
  }

  get slots(): ConnectionSlots {
    return this.#template.slots;
  }

  get endpoint(): Endpoint {
    const { lasting, templates } = this.#shared;
    return lasting.endpointOfApi(this.api, templates.get(this.api.kind)!.at(-1)!.route);
  }

  get ofUpstream(): boolean {
    return this.#shared.upstreamActivity;
  }

  seen(): void {
    const from = performance.now();
    this.api.lastActivity = this.#shared.now();
    this.#shared.lasting.counters.hub.uses.add(from, performance.now());
  }

  /** Whether this is what requests under a template meet. */
  isUnder(template: Template): boolean {
    return this.#template === template;
  }

  /** The request target as the route's target gets it. */
  targetOf(target: string): string {
    const { targetPath, routePath } = this.#shared.rules;
    const { base } = this.api.target;
    const rest = routePath ? target : withoutSegments(target, this.api.segmentsIn(segmentsOf(target)));
    const whole = targetPath ? base + rest : rest;
    // Nothing of a path may be left.
    return whole.startsWith('/') ? whole : `/${whole}`;
  }

  steps(kind: VisitKind): readonly Step[] {
    const { changes } = this.#shared;
    const steps = this.#template.steps(kind);
    return changes || this.api.target.base !== '' ? [change, ...steps] : steps;
  }

  /** Writes down what the target is told otherwise. */
  change(changes: Changes): void {
    const { rules } = this.#shared;
    changes.forwarded = rules.forwarded;
    changes.retarget = (target) => this.targetOf(target);
    const host = rules.host ?? (rules.targetHost ? hostOf(this.api.target.upstream) : null);
    if (host !== null) changes.setHost(host);
    for (const [name, value] of rules.headers) changes.setField(name, value);
  }

  locationFor(location: string, host: string): string | null {
    const { locationHost, locationScheme } = this.#shared.rules;
    if (!locationHost && locationScheme === null) return null;
    const url = URL.parse(location);
    if (url === null || url.host !== new URL(this.api.target.upstream.href).host) return null;
    if (locationHost) {
      url.port = '';
      url.host = host;
    }
    if (locationScheme !== null) url.protocol = locationScheme;
    return url.href;
  }
}

/**
 * The routes of an API in a table of their own, which stays when the configuration changes: a reload looks at the
 * templates alone, however many routes there are.
 */
export class HubRoutes implements Pick<ApiRoutesListener, 'added' | 'removed'> {
  readonly table = new RouteTable<ApiRoute, HubRoute>([], (api, segments, own) => this.#meet(api, segments, own));
  readonly #lasting: LastingRoutes;
  readonly #now: () => number;
  #shared: Shared;
  /** Of routes that somebody has used, one for each template under which that was. */
  #met = new Map<ApiRoute, HubRoute[]>();

  constructor(api: RoutesApi, now: () => number, lasting: LastingRoutes) {
    this.#lasting = lasting;
    this.#now = now;
    this.#shared = this.#compile(api);
  }

  /** Takes over another configuration: what is under way goes on under the one that it began with. */
  reconfigure(api: RoutesApi): void {
    this.#shared = this.#compile(api);
    this.#met = new Map();
  }

  added(route: ApiRoute): void {
    this.table.add(route);
  }

  removed(route: ApiRoute): void {
    this.table.remove(route);
    this.#met.delete(route);
    this.#lasting.forgetApi(route);
  }

  #meet(api: ApiRoute, segments: readonly string[], own: number): HubRoute {
    const templates = this.#shared.templates.get(api.kind)!;
    const template = templates.find(({ pattern }) => matchesPattern(pattern, segments, own))!;
    const met = this.#met.get(api);
    const known = met?.find((route) => route.isUnder(template));
    if (known !== undefined) return known;
    const route = new HubRoute(api, this.#shared, template);
    this.#met.set(api, met === undefined ? [route] : [...met, route]);
    return route;
  }

  #compile({ templates, rules, upstreamActivity }: RoutesApi): Shared {
    const { headers, host, forwarded, routePath, targetHost } = rules;
    const lasting = this.#lasting;
    const compiled = [...Map.groupBy(templates, ({ kind }) => kind)].map(([kind, ofKind]) => {
      const all = ofKind.map((template) => new Template(template, lasting));
      return [kind, all.sort((a, b) => comparePatterns(a.pattern, b.pattern))] as const;
    });
    return {
      now: this.#now,
      changes: headers.length > 0 || host !== null || !forwarded || !routePath || targetHost,
      lasting,
      rules,
      upstreamActivity,
      templates: new Map(compiled),
    };
  }
}

function segmentsOf(target: string): readonly string[] {
  const [path = ''] = target.split('?', 1);
  return path.slice(1).split('/').map(decodeSegment);
}

/** As a `Host` header has it. */
function hostOf({ href, socketPath }: UpstreamTarget): string {
  return socketPath === undefined ? new URL(href).host : 'localhost';
}

/** What is left of a path, with its query, behind its first segments. */
function withoutSegments(target: string, count: number): string {
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  let at = 0;
  for (let i = 0; i < count && at >= 0; i++) at = path.indexOf('/', at + 1);
  const rest = at < 0 ? '' : path.slice(at);
  const query = queryAt < 0 ? '' : target.slice(queryAt);
  return rest + query;
}
