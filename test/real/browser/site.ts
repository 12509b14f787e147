/** A site of a test's own, twice: one that Chromium reaches directly, one behind Sluice. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { listen } from '../../helpers/listen.ts';
import { Browser, type BrowserOptions } from '../harness/browser.ts';
import { Sluice } from '../harness/sluice.ts';

/** What the server of a site does. */
export interface Behaviour {
  /** Answers a request; what it leaves alone is answered with an empty page. */
  readonly asked?: (request: IncomingMessage, response: ServerResponse, site: Site) => void;
  readonly opened?: (socket: WebSocket, site: Site) => void;
}

/** A server, and what it saw. */
export class Site {
  /** Where the browser finds it. */
  url = '';
  /** That of the server itself. */
  port = 0;
  /** In its order, as the behaviour tells. */
  readonly seen: string[] = [];
  readonly sockets: WebSocketServer;
  readonly #server: Server;
  readonly #saw = new EventEmitter().setMaxListeners(0);

  private constructor({ asked, opened }: Behaviour) {
    this.#server = createServer((request, response) => {
      // Each page would ask for it at a time of its own.
      if (request.url === '/favicon.ico') response.writeHead(204).end();
      else asked?.(request, response, this);
      if (response.headersSent || response.hasHeader('Content-Type')) return;
      response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>${request.url}</title>`);
    });
    this.sockets = new WebSocketServer({ server: this.#server }).on('connection', (socket) => opened?.(socket, this));
  }

  static async start(behaviour: Behaviour): Promise<Site> {
    const site = new Site(behaviour);
    site.port = await listen(site.#server);
    site.url = `http://127.0.0.1:${site.port}`;
    return site;
  }

  /** Notes what happened. */
  saw(what: string): void {
    this.seen.push(what);
    this.#saw.emit('saw');
  }

  /** Resolves when something has been seen so often. */
  async hasSeen(what: string, times = 1): Promise<void> {
    const count = () => this.seen.filter((each) => each === what).length;
    while (count() < times) await once(this.#saw, 'saw');
  }

  /** Resolves when all WebSockets are closed; the behaviour tells of each. */
  async isLeft(): Promise<void> {
    while (this.sockets.clients.size > 0) await once(this.#saw, 'saw');
  }

  stop(): void {
    for (const socket of this.sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** The two ways, and the browser that goes them. */
export interface Ways extends AsyncDisposable {
  readonly direct: Site;
  readonly relayed: Site;
  readonly sluice: Sluice;
  readonly browser: Browser;
}

export async function bothWays(name: string, behaviour: Behaviour, options: BrowserOptions = {}): Promise<Ways> {
  await using started = new AsyncDisposableStack();
  const direct = started.adopt(await Site.start(behaviour), (site) => site.stop());
  const relayed = started.adopt(await Site.start(behaviour), (site) => site.stop());
  const sluice = started.use(await Sluice.start({ routes: [{ name: 'site', upstream: relayed.url }] }));
  relayed.url = sluice.url;
  const browser = started.use(await Browser.launch(name, [], options));
  const all = started.move();
  return { direct, relayed, sluice, browser, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
