/**
 * The admin port: probes and metrics for machines, an API and a page for operators. It serves the endpoints that it is
 * given; what each does stands in its own file.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bind } from '../bind.ts';
import type { ListenAddress } from '../config/types.ts';
import type { Log } from '../log.ts';
import { type Answer, problem, send, strictHeaders } from './answer.ts';
import type { Guard } from './guard.ts';
import { type ProbeSource, probeEndpoints } from './probes.ts';
import { type Endpoint, Router } from './router.ts';

/** What the admin port shows. */
export interface AdminSource extends ProbeSource {
  /** The API, the page's files and the page's feed. */
  readonly endpoints?: readonly Endpoint[];
  /** Asked before every endpoint for operators. */
  readonly guard: Pick<Guard, 'refuse'>;
  readonly log: Log;
}

/** Prometheus, probes and operators send a few hundred bytes; anybody else gets 431. */
const maxHeaderSize = 8192;
/** A probe that cannot say its request in this time is broken. */
const requestTimeout = 10_000;

/** The admin port's server. */
export class AdminServer {
  readonly #source: AdminSource;
  readonly #server: Server;
  readonly #router: Router;

  constructor(source: AdminSource) {
    this.#source = source;
    this.#router = new Router([...probeEndpoints(source), ...(source.endpoints ?? [])]);
    this.#server = createServer({ maxHeaderSize, requestTimeout, connectionsCheckingInterval: 1000 }, (req, res) => {
      this.#serve(req, res);
    });
    // Asking first is asking to send a body, and no endpoint takes one.
    this.#server.on('checkContinue', (req, res) => this.#serve(req, res));
    this.#server.on('upgrade', (_req, socket) => socket.destroy());
  }

  /** Listens; rejects with the system's error where it cannot. Returns the port, 0 for a Unix socket. */
  listen(address: ListenAddress): Promise<number> {
    return bind(this.#server, address);
  }

  /** Stops listening and closes every connection, idle or not. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(strictHeaders)) res.setHeader(name, value);
    // What was not read must not be taken for the next request.
    if (carriesBody(req)) res.setHeader('Connection', 'close');
    try {
      const answer = await this.#answer(req, res);
      if (answer !== null) send(res, answer);
    } catch (error) {
      // A bug of the port must not end the connections of the gateway.
      this.#source.log.error({ event: 'admin_bug', err: error }, 'an admin request failed for a reason of our own');
      if (res.headersSent) res.destroy();
      else send(res, ownFault);
    }
  }

  /** The answer; `null` where the endpoint writes it itself. */
  async #answer(req: IncomingMessage, res: ServerResponse): Promise<Answer | null> {
    if (carriesBody(req)) return noBody;
    const found = this.#router.find(req);
    if ('refused' in found) return found.refused;
    const { endpoint, ask } = found;
    const refused = endpoint.access === 'operator' ? await this.#source.guard.refuse(req) : null;
    if (refused !== null) return refused;
    if ('answer' in endpoint) return endpoint.answer(ask);
    endpoint.stream(ask, res);
    return null;
  }
}

const noBody = problem(413, {
  code: 'body',
  what: 'the request has a body, and nothing here takes one',
  remedy: 'send the request without a body',
});

const ownFault = problem(500, {
  code: 'bug',
  what: 'Sluice failed to answer for a reason of its own',
  remedy: 'look for admin_bug in its log, and report what stands there',
});

function carriesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
