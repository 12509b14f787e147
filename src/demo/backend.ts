/** The demo's backend: an ordinary HTTP and WebSocket server that knows nothing of limits. Sluice stands before it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { changedSamples, parseSamples, type Samples } from './counters.ts';
import { EventHub } from './events.ts';
import { serveFiles } from './files.ts';
import { Flood } from './flood.ts';
import { serveMessages } from './messages.ts';
import { loadPage } from './page.ts';

/** Where the gateway stands, known once it listens. */
export interface DemoAddresses {
  /** `http://host:port` of the listener. */
  readonly gateway: string;
  /** `http://host:port` of the admin listener. */
  readonly admin: string;
}

/** A running demo backend. */
export interface Backend {
  readonly port: number;
  /** Starts showing the gateway's counters, and lets the slow client find it. */
  attach(addresses: DemoAddresses): void;
  /** Shows one line of the gateway's log on the page. */
  showLogLine(line: string): void;
  /** Ends the flood and the event streams, which would never end by themselves. */
  endStreams(): void;
  stop(): Promise<void>;
}

const pollMs = 250;
const keptLogLines = 40;

/** Starts the backend on loopback. `setup` is handed to the page as it is. Rejects when the port is taken. */
export async function startBackend(port: number, setup: Record<string, unknown>): Promise<Backend> {
  const page = loadPage();
  const hub = new EventHub();
  const log: unknown[] = [];
  let addresses: DemoAddresses | null = null;
  let samples: Samples = {};

  let floodMoved = false;
  const flood = new Flood(() => {
    floodMoved = true;
  });
  hub.welcome = () => [
    ['setup', { ...setup, ...addresses, backend: `http://127.0.0.1:${bound.port}` }],
    ['counters', samples],
    ['flood', flood.state],
    ...log.map((entry): [string, unknown] => ['log', entry]),
  ];

  const server = createServer((request, response) => serveHttp(request, response));
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 2 ** 31 - 1 });
  const services: Record<string, (socket: WebSocket) => void> = {
    '/ws/messages': serveMessages,
    '/ws/files': serveFiles,
    '/ws/flood': (socket) => flood.serve(socket),
  };
  server.on('upgrade', (request, socket, head) => {
    const service = services[request.url ?? ''];
    if (service === undefined) {
      socket.on('error', () => {}); // Who asks may be gone.
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {}); // 'close' follows.
      service(webSocket);
    });
  });

  function serveHttp(request: IncomingMessage, response: ServerResponse): void {
    const asset = page.get(request.url ?? '');
    const key = `${request.method} ${request.url}`;
    if (request.method === 'GET' && asset !== undefined) {
      response.writeHead(200, { 'content-type': asset.type, 'cache-control': 'no-cache' }).end(asset.body);
    } else if (key === 'GET /events') {
      hub.subscribe(response);
    } else if (key === 'POST /flood/start' && addresses !== null) {
      flood.start(`${addresses.gateway.replace('http', 'ws')}/ws/flood`);
      response.writeHead(204).end();
    } else if (key === 'POST /flood/wake') {
      flood.wake();
      response.writeHead(204).end();
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    }
  }

  async function poll(): Promise<void> {
    if (floodMoved) {
      floodMoved = false;
      hub.send('flood', flood.state);
    }
    if (addresses === null || !hub.watched) return;
    const now = parseSamples(await (await fetch(`${addresses.admin}/metrics`)).text());
    const changed = changedSamples(samples, now);
    samples = now;
    if (Object.keys(changed).length > 0) hub.send('counters', changed);
  }

  let polling = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(poll).catch(() => {}); // The gateway is stopping; the page shows its last numbers.
  }, pollMs);

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = server.address() as AddressInfo;

  return {
    port: bound.port,
    attach(found) {
      addresses = found;
    },
    showLogLine(line) {
      const entry = JSON.parse(line) as unknown;
      log.push(entry);
      if (log.length > keptLogLines) log.shift();
      hub.send('log', entry);
    },
    endStreams() {
      clearInterval(timer);
      flood.stop();
      hub.close();
    },
    async stop() {
      clearInterval(timer);
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
