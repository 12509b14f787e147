/** The admin port: `/metrics` for Prometheus, `/healthz` and `/readyz` for Kubernetes. It shows, and changes nothing. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { bind } from '../bind.ts';
import type { ListenAddress } from '../config/types.ts';

/** What the admin port shows. */
export interface AdminSource {
  readonly registry: Registry;
  /** Whether new connections should come here: false while the gateway drains. */
  ready(): boolean;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const text = 'text/plain; charset=utf-8';
/** Prometheus and probes send a few hundred bytes; anybody else gets 431. */
const maxHeaderSize = 8192;
/** A probe that cannot say its request in this time is broken. */
const requestTimeout = 10_000;

/** The admin port's server. */
export class AdminServer {
  readonly #source: AdminSource;
  readonly #server: Server;
  readonly #pages: ReadonlyMap<string, () => Answer | Promise<Answer>>;

  constructor(source: AdminSource) {
    this.#source = source;
    this.#pages = new Map<string, () => Answer | Promise<Answer>>([
      ['/metrics', () => this.#metrics()],
      ['/healthz', () => ({ status: 200, type: text, body: 'ok\n' })],
      ['/readyz', () => this.#readiness()],
    ]);
    this.#server = createServer({ maxHeaderSize, requestTimeout, connectionsCheckingInterval: 1000 }, (req, res) => {
      this.#serve(req, res);
    });
    // Asking first is asking to send a body, and no page takes one.
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
    const answer = await this.#answer(req);
    // What was not read must not be taken for the next request.
    if (carriesBody(req)) res.setHeader('Connection', 'close');
    if (answer.status === 405) res.setHeader('Allow', 'GET, HEAD');
    res.writeHead(answer.status, {
      'Content-Type': answer.type,
      'Content-Length': Buffer.byteLength(answer.body),
      'Cache-Control': 'no-store',
    });
    res.end(answer.body);
  }

  #answer(req: IncomingMessage): Answer | Promise<Answer> {
    if (carriesBody(req)) return { status: 413, type: text, body: 'no page takes a body\n' };
    const page = this.#pages.get(req.url!.split('?', 1)[0]!);
    if (!page) return { status: 404, type: text, body: 'not found; there are /metrics, /healthz and /readyz\n' };
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      return { status: 405, type: text, body: 'only GET and HEAD\n' };
    }
    return page();
  }

  async #metrics(): Promise<Answer> {
    const { registry } = this.#source;
    try {
      return { status: 200, type: registry.contentType, body: await registry.metrics() };
    } catch (error) {
      // A scrape that fails must not take the open connections with it.
      return { status: 500, type: text, body: `the metrics cannot be read: ${error}\n` };
    }
  }

  #readiness(): Answer {
    if (this.#source.ready()) return { status: 200, type: text, body: 'ready\n' };
    return { status: 503, type: text, body: 'draining\n' };
  }
}

function carriesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
