/** A server that forwards everything to one upstream, as the listener does, and raw sockets to talk with both. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Origination } from '../../src/admission/client-address.ts';
import { RouteRates } from '../../src/admission/rates.ts';
import { ConnectionSlots } from '../../src/admission/slots.ts';
import { compileSteps } from '../../src/admission/steps.ts';
import type { Route } from '../../src/config/types.ts';
import { HttpForwarder } from '../../src/front/careful/forwarder.ts';
import { refusalOf } from '../../src/front/errors.ts';
import { Reception } from '../../src/front/reception.ts';
import { Recorder } from '../../src/front/recorder.ts';
import { refuseOnResponse } from '../../src/front/refusals.ts';
import { carriesBody } from '../../src/http/framing.ts';
import { RawFields } from '../../src/http/head-fields.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { RouteCounters } from '../../src/observe/metrics/counters.ts';
import type { Rejection } from '../../src/observe/report.ts';
import type { MemoryBudget } from '../../src/relay/memory/memory-budget.ts';
import { SessionRegistry } from '../../src/relay/registry.ts';
import { kernelQueue } from '../../src/relay/transport/kernel-queue.ts';
import { Endpoint } from '../../src/upstream/endpoint.ts';
import { testConnector } from '../helpers/connector.ts';
import { loopback, testRoute } from '../helpers/relay.ts';
import { testVisit } from '../helpers/visit.ts';

/** Of either sender; so they are shown and watched. */
const limits = { maxMessageBytes: 1 << 20, maxFragments: 16_384 };

/** A route of the name `app` to a port on loopback, with an upload of any size. */
export function routeTo(
  port: number,
  http: Partial<Route['http']> = {},
  timeouts: Partial<Route['timeouts']> = {},
): Route {
  const usual = testRoute({ name: 'app', upstream: loopback(port), client: limits, upstreamLimits: limits });
  return {
    ...usual,
    connections: { ...usual.connections, max: 10 },
    http: { ...usual.http, maxBodyBytes: Number.POSITIVE_INFINITY, ...http },
    timeouts: { ...usual.timeouts, ...timeouts },
  };
}

/** What a front has seen. */
export interface Front {
  readonly port: number;
  readonly server: Server;
  readonly forwarder: HttpForwarder;
  readonly endpoint: Endpoint;
  readonly counters: RouteCounters;
  readonly memory: MemoryBudget;
  /** Parsed log lines. */
  readonly lines: Record<string, unknown>[];
  /** What limits have turned away. */
  readonly rejections: readonly Rejection[];
}

/** Starts a front for a route; it stops when the test ends. */
export async function startFront(
  route: Route,
  origination: Partial<Origination> = {},
  connector = testConnector(),
  maxBufferedBytes = Number.POSITIVE_INFINITY,
): Promise<Front> {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const rejections: Rejection[] = [];
  const events = { onViolation() {}, onFurtherViolations() {}, onEnd() {} };
  const sessions = new SessionRegistry(events, maxBufferedBytes);
  const memory = sessions.memory.budget;
  const counters = new RouteCounters();
  const log = createLog(sink);
  const rejected = (rejection: Rejection) => rejections.push(rejection);
  const recorder = new Recorder({ log, rejected, hub: null, unrouted: () => counters });
  const parts = {
    log,
    recorder,
    memory,
    refusesHandshakes: () => false,
    rates: new RouteRates(),
    reported: () => {},
    authenticate: () => null,
    quotas: null,
  };
  const reception = new Reception(parts);
  const steps = compileSteps(route, 'http', parts);
  const forwarder = new HttpForwarder({
    recorder,
    memory,
    relayMemory: sessions.memory,
    holders: sessions,
    kernelQueue: (socket) => kernelQueue(socket, performance.now()),
    pages: () => null,
  });
  const endpoint = new Endpoint(route, connector);
  const listener: RequestListener = (req, res) => {
    const visit = testVisit({
      method: req.method!,
      host: req.headers.host ?? '',
      target: req.url!,
      fields: new RawFields(req.rawHeaders),
      address: '127.0.0.1',
      origination,
      route: { route, counters, slots: new ConnectionSlots(), steps: () => steps },
    });
    forwarder.makeRoom();
    reception.receive(visit, {
      bodyBytes: carriesBody(req.headers) ? Number(req.headers['content-length'] ?? 0) : -1,
      admitted: (admitted) => forwarder.forward(req, res, { route, endpoint, hub: null }, admitted),
      turnedAway: (_, refused) => refuseOnResponse(res, refusalOf(route.name, refused), false),
      givenUp: () => res.destroy(),
      left: () => {},
      unread: null,
    });
  };
  const server = createServer({ requestTimeout: 0 }, listener).on('checkContinue', listener);
  const port = await listen(server);
  onTestFinished(() => {
    forwarder.close();
    endpoint.retire();
    server.closeAllConnections();
  });
  return { port, server, forwarder, endpoint, counters, memory, lines, rejections };
}

/** Starts an upstream of ours; it stops when the test ends. */
export async function startUpstream(listener: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer({ requestTimeout: 0 }, listener);
  const port = await listen(server);
  onTestFinished(() => server.closeAllConnections());
  return { port, server };
}

/** Starts an upstream that is a bare socket. */
export async function startRawUpstream(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    onConnection(socket);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return port;
}

async function listen(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Resolves when a socket is closed, by an error or not. */
export function over(socket: Socket): Promise<void> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()));
}

/** A bare client: collects what it receives as latin1 text. */
export class RawHttp {
  readonly socket: Socket;
  received = '';
  /** `end`, `reset` or another error's code, once the connection is over. */
  over: string | null = null;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
    });
    this.socket.on('end', () => {
      this.over ??= 'end';
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.over = error.code === 'ECONNRESET' ? 'reset' : (error.code ?? 'error');
    });
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Resolves when what was received contains `text`; rejects when the connection ends before. */
  async until(text: string): Promise<string> {
    while (!this.received.includes(text)) {
      if (this.over) throw new Error(`connection over (${this.over}) before ${JSON.stringify(text)}: ${this.received}`);
      await new Promise<void>((resolve) => {
        this.socket.once('data', () => resolve());
        this.socket.once('end', () => resolve());
        this.socket.once('close', () => resolve());
      });
    }
    return this.received;
  }

  /** Resolves with everything received when the connection is over. */
  async closed(): Promise<string> {
    await over(this.socket);
    return this.received;
  }
}
