/**
 * The listener where a program sets routes, as JupyterHub sets those of configurable-http-proxy:
 *
 *   POST /api/routes[/PATH]     {"target": URL, …}: 201
 *   GET /api/routes[/PATH]      one route, or all of them by their paths
 *   DELETE /api/routes[/PATH]   204, or 404
 *
 * It is made of the admin port's parts: few connections, one request of each at a time, a clock for each, long answers in
 * slices.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { bind } from '../../bind.ts';
import type { ListenAddress } from '../../config/types.ts';
import { clean, cleanPath } from '../../observe/log/clean.ts';
import type { Log } from '../../observe/log/log.ts';
import { Pace } from '../../observe/metrics/pace.ts';
import type { ApiRoute, ApiRoutes } from '../../routes/api-routes.ts';
import { AdminConnection } from '../connection.ts';
import { AdminConnections } from '../connections.ts';
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
  readonly settleActivity: () => void;
  /** Called with each request that was let in. */
  readonly heard: (method: string, status: number) => void;
}

/** A token, a path and a proxy's headers; anybody else gets 431. */
const maxHeaderSize = 16 * 1024;
const keepAliveTimeout = 5000;
const maxBodyBytes = 1 << 20;
/** Whoever has not read an answer in this time is not going to. */
const answerMs = 30_000;
const pieceLength = 64 * 1024;

const place = /^\/api\/routes(\/[^?]*)?(?:\?(.*))?$/s;

interface ApiAnswer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string | readonly Buffer[];
}

export class RoutesApiServer {
  readonly #parts: RoutesApiParts;
  readonly #http: Server;
  readonly #server: NetServer;
  readonly #connections = new AdminConnections();

  constructor(parts: RoutesApiParts) {
    this.#parts = parts;
    this.#http = createServer({ maxHeaderSize, keepAliveTimeout }, (req, res) => this.#serve(req, res));
    Object.assign(this.#http, { httpAllowHalfOpen: true });
    this.#http.on('upgrade', (_req, socket) => socket.destroy());
    this.#http.on('clientError', (error: NodeJS.ErrnoException, connection) => {
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
      if (connection.writable) connection.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      else connection.destroy();
    });
    const accept = (socket: Socket) => {
      const connection = new AdminConnection(socket, true);
      this.#connections.add(connection);
      this.#http.emit('connection', connection);
    };
    const options = { allowHalfOpen: true, noDelay: true };
    this.#server =
      parts.tls === null ? createNetServer(options, accept) : createTlsServer({ ...options, ...parts.tls }, accept);
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a unix socket. */
  listen(address: ListenAddress): Promise<number> {
    return bind(this.#server, address, 'owner');
  }

  /** Stops listening and closes every connection, idle or not. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#connections.closeAll();
    await closed;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const connection = req.socket as unknown as AdminConnection;
    const clock = setTimeout(() => res.destroy(), answerMs);
    res.once('close', () => {
      clearTimeout(clock);
      this.#connections.touch(connection);
      connection.next();
    });
    try {
      const answer = await this.#answer(req);
      // What was not read must not be taken for the next request.
      if (!req.complete) res.setHeader('Connection', 'close');
      send(res, answer);
    } catch (error) {
      // A bug of the port must not end the connections of the gateway.
      this.#parts.log.tell('admin_bug', { err: error });
      if (res.headersSent) res.destroy();
      else send(res, text(500, 'Sluice failed to answer for a reason of its own; look for admin_bug in its log'));
    }
  }

  async #answer(req: IncomingMessage): Promise<ApiAnswer> {
    const match = place.exec(req.url ?? '');
    if (match === null) return text(404, 'there is nothing at this path; ask for /api/routes');
    const { method = '' } = req;
    const handler = this.#handlers.get(method);
    if (handler === undefined) return text(405, 'the path does not take this method; use GET, POST, DELETE');
    if (await this.#parts.guard.refuses(req)) return { status: 403 };
    const answer = await handler(match[1] ?? '/', req, match[2] ?? '');
    this.#parts.heard(method, answer.status);
    return answer;
  }

  readonly #handlers = new Map<string, (path: string, req: IncomingMessage, query: string) => Promise<ApiAnswer>>([
    ['GET', (path, req, query) => this.#get(path, req, query)],
    ['POST', (path, req) => this.#post(path, req)],
    ['DELETE', (path) => this.#delete(path)],
  ]);

  async #get(path: string, req: IncomingMessage, query: string): Promise<ApiAnswer> {
    const { routes, now, settleActivity } = this.#parts;
    if (path !== '/') {
      const route = routes.get(path);
      if (route === null) return { status: 404 };
      if ('problem' in route) return text(400, route.problem);
      settleActivity();
      return { status: 200, type: jsonType, body: jsonOf(route, now()) };
    }
    const asked = new URLSearchParams(query);
    const since = asked.get('inactiveSince') || asked.get('inactive_since');
    const before = since === null || since === '' ? Number.POSITIVE_INFINITY : Date.parse(since);
    if (Number.isNaN(before))
      return text(400, 'inactive_since is no date; write it as ISO 8601 has it, 2026-01-31T12:00:00Z');
    settleActivity();
    return { status: 200, type: jsonType, body: await this.#list(before, req) };
  }

  /** In slices: a table of thousands must not hold the relay up. */
  async #list(before: number, req: IncomingMessage): Promise<readonly Buffer[]> {
    const { routes, now } = this.#parts;
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

  async #post(path: string, req: IncomingMessage): Promise<ApiAnswer> {
    const body = await readBody(req);
    if (body === null) return text(413, `the body has more than ${maxBodyBytes} bytes`);
    const { routes, log, now } = this.#parts;
    const refused = routes.set(path, body, now());
    const shown = cleanPath(path);
    if (refused === null) {
      log.tell('route_set', { path: shown });
      return { status: 201 };
    }
    log.tell('route_refused', { path: shown, detail: clean(refused.problem) });
    return text(refused.full === true ? 409 : 400, refused.problem);
  }

  async #delete(path: string): Promise<ApiAnswer> {
    const { routes, log } = this.#parts;
    const route = routes.get(path);
    if (route === null) return { status: 404 };
    if ('problem' in route) return text(400, route.problem);
    routes.delete(route);
    log.tell('route_deleted', { path: cleanPath(path) });
    return { status: 204 };
  }
}

const jsonType = 'application/json';

function text(status: number, words: string): ApiAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${words}\n` };
}

function jsonOf(route: ApiRoute, now: number): string {
  return route.json(new Date(lastActivity(route, now)).toISOString());
}

/** A clock that was set back leaves times that are still to come. */
function lastActivity(route: ApiRoute, now: number): number {
  return Math.min(route.lastActivity, now);
}

/** The body as text; `null` where it is too long, and the rest is not read. */
async function readBody(req: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of req.iterator({ destroyOnReturn: false })) {
    size += (part as Buffer).length;
    if (size > maxBodyBytes) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString();
}

function send(res: ServerResponse, { status, type, body = '' }: ApiAnswer): void {
  const pieces = typeof body === 'string' ? [Buffer.from(body)] : body;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  res.writeHead(status, {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(type === undefined ? {} : { 'Content-Type': type }),
    ...(status === 204 ? {} : { 'Content-Length': length }),
  });
  for (const piece of pieces) res.write(piece);
  res.end();
}
