/**
 * What a program that sets routes may ask, as JupyterHub asks configurable-http-proxy:
 *
 *   POST /api/routes[/PATH]     {"target": URL, …}: 201
 *   GET /api/routes[/PATH]      one route, or all of them by their paths
 *   DELETE /api/routes[/PATH]   204, or 404
 *   POST /api/checked           {"differing": N}: the hub has compared the table with its own, and set what was missing
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TlsOptions } from 'node:tls';
import { clean } from '../../observe/log/clean.ts';
import { type Log, shownRoutePath } from '../../observe/log/log.ts';
import { countStatus, type HubCounters } from '../../observe/metrics/counters.ts';
import { Pace } from '../../observe/metrics/pace.ts';
import { parseApiPath } from '../../routes/api-path.ts';
import type { ApiRoute, ApiRoutes } from '../../routes/api-routes.ts';
import type { RouteProblem } from '../../routes/route-problem.ts';
import { type Answer, empty, text } from '../answer.ts';
import { AdminListener } from '../listener.ts';
import type { AskingRequest } from '../visit.ts';
import type { WholeRequest } from '../whole-request.ts';
import type { ApiGuard } from './guard.ts';

export interface RoutesApiParts {
  readonly routes: ApiRoutes;
  readonly guard: ApiGuard;
  readonly log: Log;
  /** `null` listens without TLS. */
  readonly tls: TlsOptions | null;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called before times of activity are read: whoever has noticed some tells it now. */
  readonly noteActivity: () => void;
  /** Whether a connection that has been accepted may stay; yes unless given. */
  readonly hasRoom?: () => boolean;
  readonly counters: HubCounters;
  /** Called with each request that was let in. */
  readonly heard: (method: string, status: number) => void;
  /** Called when the hub has checked the table, with how many of its routes were missing here, or otherwise. */
  readonly checked: (differing: number) => void;
}

/** A token, a path and a proxy's headers; anybody else gets 431. */
const maxHeaderSize = 16 * 1024;
const maxBodyBytes = 1 << 20;
/** The most pieces of a body. Each is an event and an object, however small, and nobody sends one in one-byte chunks. */
const mostPieces = 4096;
const pieceLength = 64 * 1024;
const longestAtOnce = 16 * 1024;
const jsonType = 'application/json';

const checkedPlace = '/api/checked';
/** A target in absolute form names its server first (RFC 9112 §3.2.2). */
const absolute = /^https?:\/\/[^/?]*/i;
const place = /^\/api\/routes(\/[^?]*)?(?:\?(.*))?$/s;

/** What a request asks for: what a program may do, and with which path. */
interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query: string;
  /** That the hub has checked the table. */
  readonly isCheck: boolean;
}

/** The listener of the routes API. */
export class RoutesApiServer extends AdminListener {
  readonly #parts: RoutesApiParts;
  /** The list that is being made. */
  #listing: Promise<void> = Promise.resolve();

  constructor(parts: RoutesApiParts) {
    const { tls, log, hasRoom } = parts;
    const methods = 'GET, POST, DELETE';
    super({ tls, maxHeaderSize, methods, takesBodies: true, wholeBodyBytes: maxBodyBytes, log, hasRoom });
    this.#parts = parts;
  }

  /** Whatever is read and written here, all but the list of the whole table. */
  protected override answerAtOnce(request: WholeRequest): Answer | null {
    const asked = parseAsked(request.method, request.url);
    if ('status' in asked || !this.#parts.guard.isReady || isList(asked)) return null;
    const body = request.method === 'POST' ? request.body : '';
    const refused = this.#admit(request);
    const answer = refused ?? this.#answerTo(asked, body);
    // What is held for clients that do not read is counted over all of them, elsewhere. To ask again changes nothing.
    if (asked.method === 'GET' && answer.body.length > longestAtOnce) return null;
    if (refused === null) this.#parts.heard(asked.method, answer.status);
    countStatus(this.#parts.counters.apiAnswers, answer.status);
    return answer;
  }

  protected override async answer(req: IncomingMessage, res: ServerResponse): Promise<Answer> {
    const answer = await this.#answer(req, res);
    countStatus(this.#parts.counters.apiAnswers, answer.status);
    return answer;
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<Answer> {
    const asked = parseAsked(req.method ?? '', (req.url ?? '').replace(absolute, ''));
    if ('status' in asked) return asked;
    await this.#parts.guard.prepare();
    const refused = this.#admit(req);
    if (refused !== null) return refused;
    const answer = await this.#answerAfterBody(asked, req, res);
    this.#parts.heard(asked.method, answer.status);
    return answer;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#parts.guard.close();
  }

  /** What is said to whoever may not ask; `null` lets in. */
  #admit(asker: AskingRequest): Answer | null {
    const { guard } = this.#parts;
    if (guard.refuses(asker)) return empty(403);
    if (guard.asksForToken) this.prove(asker);
    return null;
  }

  async #answerAfterBody(asked: Asked, req: IncomingMessage, res: ServerResponse): Promise<Answer> {
    if (isList(asked)) return this.#list(asked.query, req);
    if (asked.method !== 'POST') return this.#answerTo(asked, '');
    // Nobody is told to send what will be refused whatever it says.
    const parsed = parseApiPath(asked.path);
    if ('problem' in parsed) return this.#refuseRoute(asked.path, parsed);
    const body = await this.#readBody(req, res);
    return body === null ? tooMuch : this.#answerTo(asked, body);
  }

  #answerTo({ method, path, isCheck }: Asked, body: string): Answer {
    if (isCheck) return this.#checked(body);
    if (method === 'GET') return this.#get(path);
    return method === 'POST' ? this.#post(path, body) : this.#delete(path);
  }

  #checked(body: string): Answer {
    const [, differing] = /^\s*\{\s*"differing"\s*:\s*(\d{1,9})\s*\}\s*$/.exec(body) ?? [];
    if (differing === undefined) return refusal(400, 'the body must be {"differing": N}');
    this.#parts.checked(Number(differing));
    return empty(204);
  }

  #get(path: string): Answer {
    const { routes, now, noteActivity } = this.#parts;
    const route = routes.get(path);
    if (route === null) return empty(404);
    if ('problem' in route) return refusal(400, route.problem);
    noteActivity();
    return { status: 200, type: jsonType, body: jsonOf(route, now()) };
  }

  async #list(query: string, req: IncomingMessage): Promise<Answer> {
    const asked = new URLSearchParams(query);
    const since = asked.get('inactiveSince') || asked.get('inactive_since');
    const before = since === null || since === '' ? Number.POSITIVE_INFINITY : Date.parse(since);
    if (Number.isNaN(before))
      return refusal(400, 'inactive_since is no date; write it as ISO 8601 has it, 2026-01-31T12:00:00Z');
    const body = await this.#listInTurn(before, req);
    this.#parts.counters.routes.listed++;
    return { status: 200, type: jsonType, body };
  }

  /** One after the other, so that many askers do not hold as many half-made ones. */
  #listInTurn(before: number, req: IncomingMessage): Promise<readonly Buffer[]> {
    const list = this.#listing.then(() => (req.socket.destroyed ? [] : this.#makeList(before, req)));
    // What follows waits for its end, and keeps nothing of it.
    this.#listing = list.then(ignore, ignore);
    return list;
  }

  /** In slices: a table of thousands must not hold the relay up. */
  async #makeList(before: number, req: IncomingMessage): Promise<readonly Buffer[]> {
    const { routes, now, noteActivity } = this.#parts;
    noteActivity();
    const pace = new Pace();
    const pieces: Buffer[] = [];
    let written = '{';
    // The table may change between two slices.
    for (const route of [...routes.all()]) {
      if (lastActivity(route, now()) >= before) continue;
      written += `${written === '{' && pieces.length === 0 ? '' : ','}${JSON.stringify(route.key)}:${jsonOf(route, now())}`;
      if (written.length >= pieceLength) {
        pieces.push(Buffer.from(written));
        written = '';
      }
      if (!pace.isOver) continue;
      await pace.rest();
      if (req.socket.destroyed) break;
    }
    return [...pieces, Buffer.from(`${written}}`)];
  }

  #post(path: string, body: string): Answer {
    const { routes, log, now, counters } = this.#parts;
    const refused = routes.set(path, body, now());
    if (refused !== null) return this.#refuseRoute(path, refused);
    counters.routes.set++;
    log.tell('route_set', { path: shownRoutePath(log, path) });
    return empty(201);
  }

  #refuseRoute(path: string, { problem, full }: RouteProblem): Answer {
    const { log } = this.#parts;
    log.tell('route_refused', { path: shownRoutePath(log, path), detail: clean(problem) });
    return refusal(full === true ? 409 : 400, problem);
  }

  #delete(path: string): Answer {
    const { routes, log, counters } = this.#parts;
    counters.routes.deleted++;
    const route = routes.get(path);
    if (route === null) return empty(404);
    if ('problem' in route) return refusal(400, route.problem);
    routes.delete(route);
    log.tell('route_deleted', { path: shownRoutePath(log, path) });
    return empty(204);
  }

  /** The body as text; `null` where it is too much, and the rest is not read, or none of it. */
  async #readBody(req: IncomingMessage, res: ServerResponse): Promise<string | null> {
    if (Number(req.headers['content-length'] ?? 0) > maxBodyBytes) return null;
    this.welcomeBody(req, res);
    const { promise, resolve, reject } = Promise.withResolvers<string | null>();
    const parts: Buffer[] = [];
    let size = 0;
    const take = (part: Buffer) => {
      size += part.length;
      if (size <= maxBodyBytes && parts.length < mostPieces) parts.push(part);
      else {
        req.off('data', take).pause();
        resolve(null);
      }
    };
    // An iterator of it costs a twentieth of all that a route costs (measured).
    req.on('data', take).once('end', () => resolve(Buffer.concat(parts).toString()));
    req.once('error', reject);
    return promise;
  }
}

const tooMuch = refusal(
  413,
  `the body has more than ${maxBodyBytes} bytes, or comes in more than ${mostPieces} pieces`,
);
const nowhere = refusal(404, 'there is nothing at this path; ask for /api/routes');
const wrongMethod = refusal(405, 'the path does not take this method; use GET, POST, DELETE');
const wrongCheck = refusal(405, 'the path does not take this method; use POST');

/** What a method and a path ask for, or the answer where they ask for nothing. */
function parseAsked(method: string, url: string): Asked | Answer {
  const isCheck = url === checkedPlace;
  const match = isCheck ? null : place.exec(url);
  if (!isCheck && match === null) return nowhere;
  if (isCheck && method !== 'POST') return wrongCheck;
  if (method !== 'GET' && method !== 'POST' && method !== 'DELETE') return wrongMethod;
  return { method, path: match?.[1] ?? '/', query: match?.[2] ?? '', isCheck };
}

/** Whether all routes are asked for: that takes more than a moment. */
function isList({ method, path, isCheck }: Asked): boolean {
  return method === 'GET' && path === '/' && !isCheck;
}

function refusal(status: number, words: string): Answer {
  return text(status, `${words}\n`);
}

function jsonOf(route: ApiRoute, now: number): string {
  return route.json(new Date(lastActivity(route, now)).toISOString());
}

/** A clock that was set back leaves times that are still to come. */
function lastActivity(route: ApiRoute, now: number): number {
  return Math.min(route.lastActivity, now);
}

function ignore(): void {}
