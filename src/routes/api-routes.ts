/** The routes that an API has set, by their paths. They are changed one by one, in place. */
import type { RouteKind } from '../config/types.ts';
import { type ApiData, parseApiData } from './api-data.ts';
import { type ApiPath, parseApiPath } from './api-path.ts';
import { type ApiTarget, parseApiTarget } from './api-target.ts';
import { literalPattern, matchesPattern, type Pattern } from './pattern.ts';
import type { RouteProblem } from './route-problem.ts';

/** Far more than a hub has: a table of so many takes about 50 MB. */
export const mostRoutes = 50_000;

export class ApiRoute {
  readonly key: string;
  /** The path as requests spell it, where that says more than `key`. */
  readonly #escaped: string | null;
  readonly #length: number;
  /** Of an escaped one that somebody has used: made at each request they would cost most of its look-up. */
  #ways: readonly Pattern[] | null = null;
  readonly hosts: readonly string[];
  readonly target: ApiTarget;
  readonly kind: RouteKind;
  #json: string;
  /** When somebody last used it; milliseconds since 1970. */
  lastActivity: number;

  constructor(
    { key, ways }: ApiPath,
    raw: string,
    hosts: readonly string[],
    target: ApiTarget,
    data: ApiData,
    now: number,
  ) {
    this.key = key;
    this.#escaped = /%2f/i.test(raw) ? raw : null;
    this.hosts = hosts;
    this.#length = ways[0]!.length - hosts.length;
    this.target = target;
    this.kind = data.kind;
    this.#json = data.json;
    this.lastActivity = now;
  }

  /** Everything the sender has told, as JSON, and the time of the last activity, in ISO 8601. */
  json(lastActivity: string): string {
    return `${this.#json.slice(0, -1)},"last_activity":"${lastActivity}"}`;
  }

  /** What the sender has told, as JSON. */
  get data(): string {
    return this.#json;
  }

  /** The path as it may be sent again. */
  get path(): string {
    return this.#escaped ?? this.key.split('/').map(encodeURIComponent).join('/');
  }

  get patterns(): readonly Pattern[] {
    const { ways } = parseApiPath(this.path) as ApiPath;
    return ways.map((segments) => literalPattern(segments.slice(this.hosts.length)));
  }

  /** How many segments of a request's path are the route's own: an escaped slash makes one of two. */
  segmentsIn(segments: readonly string[]): number {
    if (this.#escaped === null) return this.#length;
    this.#ways ??= this.patterns;
    return this.#ways.find((way) => matchesPattern(way, segments))?.length ?? this.#length;
  }

  /** Takes over what was sent anew, where it leads to the same target. Whether it does. */
  update(target: ApiTarget, data: ApiData, now: number): boolean {
    if (target.upstream.href !== this.target.upstream.href || target.base !== this.target.base) return false;
    if (data.kind !== this.kind) return false;
    this.#json = data.json;
    this.lastActivity = now;
    return true;
  }
}

const everyHost: readonly string[] = [];

/** Who must hear of changes. */
export interface ApiRoutesListener {
  added(route: ApiRoute): void;
  removed(route: ApiRoute): void;
  /** Something of what is listed has changed. */
  changed(): void;
}

/** What is asked of a target beside its form; the reason why it may not be. */
export type JudgeTarget = (target: ApiTarget) => RouteProblem | null;

export class ApiRoutes {
  readonly #routes = new Map<string, ApiRoute>();
  readonly #withHosts: boolean;
  readonly #judge: JudgeTarget;
  readonly #most: number;
  listener: ApiRoutesListener = { added() {}, removed() {}, changed() {} };

  /** `withHosts`: the first segment of a path is a host. */
  constructor(withHosts: boolean, judge: JudgeTarget = () => null, most = mostRoutes) {
    this.#withHosts = withHosts;
    this.#judge = judge;
    this.#most = most;
  }

  get size(): number {
    return this.#routes.size;
  }

  /** All of them, in the order in which they came. */
  all(): Iterable<ApiRoute> {
    return this.#routes.values();
  }

  /** The route of a path as it stands in a request, or why there can be none. */
  get(path: string): ApiRoute | null | RouteProblem {
    const parsed = parseApiPath(path);
    return 'problem' in parsed ? parsed : (this.#routes.get(parsed.key) ?? null);
  }

  /** Sets a route from a request's path and body, or says why not. */
  set(path: string, body: string, now: number, lastActivity = now): RouteProblem | null {
    const parsed = parseApiPath(path);
    if ('problem' in parsed) return parsed;
    const hosts = this.#hostsOf(parsed.key);
    if ('problem' in hosts) return hosts;
    const data = parseApiData(body, hosts[0] ?? null);
    if ('problem' in data) return data;
    const target = parseApiTarget(data.target);
    if ('problem' in target) return target;
    const refused = this.#judge(target);
    if (refused !== null) return refused;
    const known = this.#routes.get(parsed.key);
    if (known === undefined && this.#routes.size >= this.#most) {
      const problem = `there are ${this.#most} routes, and no more may be; delete those that nobody needs`;
      return { problem, full: true };
    }
    const route = new ApiRoute(parsed, path, hosts, target, data, lastActivity);
    if (known?.path !== route.path || !known.update(target, data, lastActivity)) {
      if (known !== undefined) this.listener.removed(known);
      this.#routes.set(parsed.key, route);
      this.listener.added(route);
    }
    this.listener.changed();
    return null;
  }

  /** Takes a route out. */
  delete(route: ApiRoute): void {
    if (!this.#routes.delete(route.key)) return;
    this.listener.removed(route);
    this.listener.changed();
  }

  #hostsOf(key: string): readonly string[] | RouteProblem {
    if (!this.#withHosts || key === '/') return everyHost;
    const host = key.split('/', 2)[1]!.toLowerCase();
    if (/^[a-z0-9._-]+$/.test(host)) return [host];
    return { problem: `the first segment, "${host.slice(0, 64)}", is no host` };
  }
}
