/** The routes that an API has set, by their paths. They are changed one by one, in place. */
import type { RouteKind } from '../config/types.ts';
import { type ApiData, parseApiData } from './api-data.ts';
import { type ApiPath, parseApiPath } from './api-path.ts';
import { type ApiTarget, parseApiTarget } from './api-target.ts';
import { literalPattern, matchesPattern, type Pattern } from './pattern.ts';
import type { RouteProblem } from './route-problem.ts';

/** Far more than a hub has; a table of so many takes about 60 MB, and is looked up as fast as a small one. */
export const mostRoutes = 100_000;
/** Of paths, targets and data together: 670 of each route of a full table, and a file of routes that can be read. */
const mostCharacters = 64 << 20;
/**
 * A segment is a node of the trie, which takes as much as so many characters, however short it is. Measured: 13 000
 * routes of 2 000 segments of one letter took 1.5 GB.
 */
const segmentCharacters = 48;

/** One of thousands: what it has is text, and nothing is held twice. */
export class ApiRoute {
  readonly key: string;
  /** The path as requests spell it, where that says more than `key`. */
  readonly #escaped: string | null;
  readonly hosts: readonly string[];
  readonly kind: RouteKind;
  readonly #target: string;
  /** The members of what the sender has told, as JSON, behind the target. */
  #more: string;
  /** When somebody last used it; milliseconds since 1970. */
  lastActivity: number;
  /** Of one that somebody has used. */
  #parsed: ApiTarget | null = null;

  constructor({ key }: ApiPath, raw: string, hosts: readonly string[], data: ApiData, now: number) {
    this.key = key;
    // A string of its own: a part of the request would hold all of it.
    this.#escaped = /%2f/i.test(raw) ? Buffer.from(raw).toString('latin1') : null;
    this.hosts = hosts;
    this.#target = data.target;
    this.kind = data.kind;
    this.#more = data.more;
    this.lastActivity = now;
  }

  /** Everything the sender has told, as JSON, and the time of the last activity, in ISO 8601. */
  json(lastActivity: string): string {
    return `{"target":${JSON.stringify(this.#target)}${this.#more},"last_activity":"${lastActivity}"}`;
  }

  /** What the sender has told, as JSON. */
  get data(): string {
    return `{"target":${JSON.stringify(this.#target)}${this.#more}}`;
  }

  /** Whether the sender has told more than the target. */
  get hasData(): boolean {
    return this.#more !== '';
  }

  /** How many it holds, and what its segments take, in each way in which the path may be read. */
  get characters(): number {
    const segments = (this.key.split('/').length - 1) * (this.#escaped === null ? 1 : 2);
    return this.key.length + this.#target.length + this.#more.length + segments * segmentCharacters;
  }

  /** Where it leads. */
  get target(): ApiTarget {
    // It was whole when the route was set.
    this.#parsed ??= parseApiTarget(this.#target) as ApiTarget;
    return this.#parsed;
  }

  /** The path as it may be sent again. */
  get path(): string {
    return this.#escaped ?? this.key.split('/').map(encodeURIComponent).join('/');
  }

  /** One for each way in which its escaped slashes may be read. */
  get patterns(): readonly Pattern[] {
    const { ways } = parseApiPath(this.path) as ApiPath;
    const { length } = this.hosts;
    // An escaped slash behind the host would make a host of both, which nobody asks for.
    const own = length === 0 ? ways : ways.filter(([first]) => first === ways[0]![0]);
    return own.map((segments) => literalPattern(segments.slice(length)));
  }

  /** How many segments of a request's path are the route's own: an escaped slash makes one of two. */
  segmentsIn(segments: readonly string[]): number {
    const { patterns } = this;
    return (patterns.find((pattern) => matchesPattern(pattern, segments)) ?? patterns[0]!).length;
  }

  /** Takes over what was sent anew, where it is found in the same way and leads to the same target. Whether it does. */
  update(anew: ApiRoute): boolean {
    if (anew.#target !== this.#target || anew.kind !== this.kind || anew.#escaped !== this.#escaped) return false;
    this.#more = anew.#more;
    this.lastActivity = anew.lastActivity;
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
  readonly #mostCharacters: number;
  #characters = 0;
  listener: ApiRoutesListener = { added() {}, removed() {}, changed() {} };

  /** `withHosts`: the first segment of a path is a host. */
  constructor(withHosts: boolean, judge: JudgeTarget = () => null, most = mostRoutes, characters = mostCharacters) {
    this.#withHosts = withHosts;
    this.#judge = judge;
    this.#most = most;
    this.#mostCharacters = characters;
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
    const route = new ApiRoute(parsed, path, hosts, data, lastActivity);
    // It is read again as it may be sent, and escapes make it longer.
    const again = route.path === path ? parsed : parseApiPath(route.path);
    if ('problem' in again) return { problem: `${again.problem}, once it is escaped` };
    const more = route.characters - (known?.characters ?? 0);
    const full = this.#fullFor(known, more);
    if (full !== null) return full;
    this.#characters += more;
    if (known === undefined || !known.update(route)) {
      if (known !== undefined) this.listener.removed(known);
      this.#routes.set(route.key, route);
      this.listener.added(route);
    }
    this.listener.changed();
    return null;
  }

  /** Has the root lead to a target, unless a program has set it: the hub's says more than where it leads. */
  setDefault(target: string, now: number): RouteProblem | null {
    if (this.#routes.get('/')?.hasData) return null;
    return this.set('/', JSON.stringify({ target }), now);
  }

  /** Takes a route out. */
  delete(route: ApiRoute): void {
    if (!this.#routes.delete(route.key)) return;
    this.#characters -= route.characters;
    this.listener.removed(route);
    this.listener.changed();
  }

  /** Why there is no room for a route with so many more characters than what it takes the place of; `null` for room. */
  #fullFor(known: ApiRoute | undefined, more: number): RouteProblem | null {
    const remedy = 'no more may be; delete those that nobody uses (GET /api/routes?inactive_since=DATE lists them)';
    if (known === undefined && this.#routes.size >= this.#most) {
      return { problem: `there are ${this.#most} routes, and ${remedy}`, full: true };
    }
    if (this.#characters + more <= this.#mostCharacters) return null;
    const { size } = this.#routes;
    const counted = `${this.#characters} characters (a segment of a path counts as ${segmentCharacters})`;
    const held = `the paths, targets and data of ${size} routes have ${counted}`;
    return {
      problem: `${held}, with this one there would be more than ${this.#mostCharacters}, and ${remedy}`,
      full: true,
    };
  }

  #hostsOf(key: string): readonly string[] | RouteProblem {
    if (!this.#withHosts || key === '/') return everyHost;
    // As requests' hosts are compared: one that is longer, or that ends with a dot, would never be met.
    const host = key
      .split('/', 2)[1]!
      .toLowerCase()
      .replace(/(?<=.)\.$/, '');
    if (/^[a-z0-9._-]{1,253}$/.test(host)) return [host];
    return { problem: `the first segment, "${host.slice(0, 64)}", is no host` };
  }
}
