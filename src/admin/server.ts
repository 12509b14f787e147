/**
 * The admin port: probes and metrics for machines, an API and a page for operators. It serves the endpoints that it is
 * given; what each does stands in its own file.
 *
 * Whoever reaches it can make it work, so all of that is bounded: connections, requests of each (one at a time), the time
 * of a head and of an answer, and the bytes of answers that nobody has read yet.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type Server as NetServer } from 'node:net';
import { bind } from '../bind.ts';
import type { ListenAddress } from '../config/types.ts';
import type { Log } from '../observe/log/log.ts';
import { type Answer, bytesOf, problem, send, strictHeaders } from './answer.ts';
import { AdminConnection } from './connection.ts';
import { AdminConnections } from './connections.ts';
import type { Guard } from './guard.ts';
import { type AdminEndpoint, Router } from './router.ts';

/** What the admin port shows. */
export interface AdminSource {
  readonly endpoints: readonly AdminEndpoint[];
  /** Asked before every endpoint. */
  readonly guard: Pick<Guard, 'refuse'>;
  readonly log: Log;
}

/** Prometheus, probes and operators send a few hundred bytes; anybody else gets 431. */
const maxHeaderSize = 8192;
/** What clients are promised between two requests. */
const keepAliveTimeout = 5000;
/** Whoever has not read an answer in this time is not going to. Streams have clocks of their own. */
const answerMs = 30_000;
/** Large answers that are not read yet may hold this together: a page of connections or the routes may be megabytes. */
const maxUnreadBytes = 16 << 20;
/** Probes and refusals are always answered. */
const largeBytes = 64 << 10;

/** The admin port's server. */
export class AdminServer {
  readonly #source: AdminSource;
  readonly #http: Server;
  readonly #server: NetServer;
  readonly #router: Router;
  readonly #connections = new AdminConnections();
  #unreadBytes = 0;

  constructor(source: AdminSource) {
    this.#source = source;
    this.#router = new Router(source.endpoints);
    // An upgrade may be ignored (RFC 9110 §7.8), and is.
    const shouldUpgradeCallback = () => false;
    this.#http = createServer({ maxHeaderSize, keepAliveTimeout, shouldUpgradeCallback }, (req, res) =>
      this.#serve(req, res),
    );
    // A client that has said all it wants still reads the answer.
    Object.assign(this.#http, { httpAllowHalfOpen: true });
    // Asking first is asking to send a body, and no endpoint takes one.
    this.#http.on('checkContinue', (req, res) => this.#serve(req, res));
    this.#http.on('connect', (_req, connection) => connection.end(unreadable.connect));
    this.#http.on('clientError', (error: NodeJS.ErrnoException, connection) => {
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? unreadable.tooLarge : unreadable.bad;
      if (connection.writable) connection.end(status);
      else connection.destroy();
    });
    this.#server = createNetServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const connection = new AdminConnection(socket);
      this.#connections.add(connection);
      this.#http.emit('connection', connection);
    });
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a Unix socket. */
  listen(address: ListenAddress): Promise<number> {
    // Without a token whoever may open the file is an operator.
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
    res.once('close', () => {
      this.#connections.touch(connection);
      connection.next();
    });
    for (const [name, value] of Object.entries(strictHeaders)) res.setHeader(name, value);
    // What was not read must not be taken for the next request.
    if (carriesBody(req)) res.setHeader('Connection', 'close');
    try {
      const answer = await this.#answer(req, res);
      if (answer !== null) this.#send(res, answer);
    } catch (error) {
      // A bug of the port must not end the connections of the gateway.
      this.#source.log.tell('admin_bug', { err: error });
      if (res.headersSent) res.destroy();
      else send(res, ownFault);
    }
  }

  #send(res: ServerResponse, answer: Answer): void {
    const bytes = bytesOf(answer);
    if (bytes > largeBytes && this.#unreadBytes + bytes > maxUnreadBytes) {
      send(res, busy);
      return;
    }
    this.#unreadBytes += bytes;
    const clock = setTimeout(() => res.destroy(), answerMs);
    res.once('close', () => {
      clearTimeout(clock);
      this.#unreadBytes -= bytes;
    });
    send(res, answer);
  }

  /** The answer; `null` where the endpoint writes it itself. */
  async #answer(req: IncomingMessage, res: ServerResponse): Promise<Answer | null> {
    if (carriesBody(req)) return noBody;
    const found = this.#router.find(req);
    const refused = await this.#source.guard.refuse(req, 'refused' in found ? 'open' : found.endpoint.access);
    if (refused !== null) return refused;
    if ('refused' in found) return found.refused;
    const { endpoint, ask } = found;
    if ('answer' in endpoint) return endpoint.answer(ask);
    await endpoint.stream(ask, res);
    return null;
  }
}

const unreadable = {
  bad: 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  connect: 'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  tooLarge: 'HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
};

const noBody = problem(413, {
  code: 'body',
  what: 'the request has a body, and nothing here takes one',
  remedy: 'send the request without a body',
});

const busy = problem(
  503,
  {
    code: 'busy',
    what: `answers that nobody has read yet hold ${maxUnreadBytes} bytes`,
    remedy: 'ask again in a second',
  },
  { 'Retry-After': '1' },
);

const ownFault = problem(500, {
  code: 'bug',
  what: 'Sluice failed to answer for a reason of its own',
  remedy: 'look for admin_bug in its log, and report what stands there',
});

function carriesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
