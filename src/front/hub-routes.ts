/**
 * The routes of an API as requests meet them. Each has a target of its own; limits, caps and metrics are those of a
 * template, which is found by what the route belongs to and by what follows its path. So a user more costs a row of
 * the table, and nothing that is counted or compiled.
 */
import type { ConnectionSlots } from '../admission/slots.ts';
import type { Step } from '../admission/steps.ts';
import type { VisitKind } from '../admission/visit.ts';
import type { Route, RoutesApi, RouteTemplate, TargetRules, UpstreamTarget } from '../config/types.ts';
import type { Changes } from '../http/changes.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { Activity } from '../relay/types.ts';
import type { ApiRoute, ApiRoutesListener } from '../routes/api-routes.ts';
import { comparePatterns, compilePattern, matchesPattern, type Pattern } from '../routes/pattern.ts';
import { decodeSegment } from '../routes/readings.ts';
import type { RouteTable } from '../routes/table.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { ApiRouteSource, EdgeRoute } from './edge.ts';
import { LastingRoute, type LastingRoutes } from './lasting.ts';

/** A template, and what its routes share. */
class Template extends LastingRoute {
  readonly pattern: Pattern;

  constructor({ route, path }: RouteTemplate, lasting: LastingRoutes) {
    super(route, lasting);
    this.pattern = compilePattern(path);
  }
}

/** What all of them share. */
interface Shared extends Pick<ApiRouteSource, 'now'> {
  /** Whether any rule changes what targets are told. */
  readonly changes: boolean;
  readonly lasting: LastingRoutes;
  readonly rules: TargetRules;
  readonly upstreamActivity: boolean;
  /** By kind, the most specific path first; the last one fits every path. */
  templatesOf(api: ApiRoute): readonly Template[];
}

/** Nobody is refused by it. */
const change: Step = (visit) => {
  (visit.route as HubRoute).change(visit.change());
  return null;
};

/** A route of an API under one of its templates. */
export class HubRoute implements EdgeRoute, Activity {
  readonly api: ApiRoute;
  readonly #template: Template;
  readonly #shared: Shared;
  /** The same route under its other templates, as far as somebody came by there. */
  #siblings: HubRoute[] | null = null;

  constructor(api: ApiRoute, shared: Shared, template = shared.templatesOf(api).at(-1)!) {
    this.api = api;
    this.#template = template;
    this.#shared = shared;
  }

  get hub(): this {
    return this;
  }

  get hosts(): readonly string[] {
    return this.api.hosts;
  }

  get path(): string {
    return this.api.path;
  }

  get patterns(): readonly Pattern[] {
    return this.api.patterns;
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
    return this.#shared.lasting.endpointOfApi(this.api, this.#shared.templatesOf(this.api).at(-1)!.route);
  }

  get ofUpstream(): boolean {
    return this.#shared.upstreamActivity;
  }

  seen(): void {
    this.api.lastActivity = this.#shared.now();
  }

  within(segments: readonly string[]): HubRoute {
    const templates = this.#shared.templatesOf(this.api);
    if (templates.length === 1) return this;
    const rest = segments.slice(this.api.segmentsIn(segments));
    const template = templates.find(({ pattern }) => matchesPattern(pattern, rest))!;
    return template === this.#template ? this : this.#under(template);
  }

  /** The request target as the route's target gets it. */
  targetOf(target: string): string {
    const { targetPath, routePath } = this.#shared.rules;
    const { base } = this.api.target;
    const rest = routePath ? target : withoutSegments(target, this.api.segmentsIn(segmentsOf(target)));
    return targetPath && base !== '' ? base + rest : rest;
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
    if (rules.targetHost) changes.setHost(hostOf(this.api.target.upstream));
    for (const [name, value] of rules.headers) changes.setField(name, value);
  }

  /** Where an answer sends the client, as the client knows the place; `null` where that stays as it is. */
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

  #under(template: Template): HubRoute {
    this.#siblings ??= [];
    const known = this.#siblings.find((sibling) => sibling.#template === template);
    if (known !== undefined) return known;
    const sibling = new HubRoute(this.api, this.#shared, template);
    this.#siblings.push(sibling);
    return sibling;
  }
}

/** Puts the routes of an API into a table, and takes them out of it. */
export class HubRoutes implements Pick<ApiRoutesListener, 'added' | 'removed'> {
  readonly #table: RouteTable<EdgeRoute>;
  readonly #shared: Shared;
  readonly #entries = new Map<ApiRoute, HubRoute>();

  constructor(api: RoutesApi, source: ApiRouteSource, table: RouteTable<EdgeRoute>, lasting: LastingRoutes) {
    this.#table = table;
    const byKind = Map.groupBy(api.templates, ({ kind }) => kind);
    const compiled = new Map(
      [...byKind].map(([kind, templates]) => [
        kind,
        templates
          .map((template) => new Template(template, lasting))
          .sort((a, b) => comparePatterns(a.pattern, b.pattern)),
      ]),
    );
    const { rules, upstreamActivity } = api;
    const templatesOf = ({ kind }: ApiRoute) => compiled.get(kind)!;
    const { now } = source;
    const { headers, forwarded, routePath, targetHost } = rules;
    const changes = headers.length > 0 || !forwarded || !routePath || targetHost;
    this.#shared = { lasting, rules, changes, upstreamActivity, now, templatesOf };
    for (const route of source.routes.all()) this.added(route);
  }

  added(route: ApiRoute): void {
    const entry = new HubRoute(route, this.#shared);
    this.#entries.set(route, entry);
    this.#table.add(entry);
  }

  removed(route: ApiRoute): void {
    const entry = this.#entries.get(route);
    if (entry === undefined) return;
    this.#entries.delete(route);
    this.#table.remove(entry);
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
  return `${rest.startsWith('/') ? '' : '/'}${rest}${query}`;
}
