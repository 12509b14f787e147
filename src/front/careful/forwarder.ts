/** Plain HTTP: forwards the requests that the listener has routed, through http-proxy. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer, type ProxyServer } from 'http-proxy'; // the package httpxy
import type { MemoryLedger } from '../../admission/memory.ts';
import type { Route } from '../../config/types.ts';
import { contain } from '../../mistakes.ts';
import type { KernelQueue } from '../../relay/core/stall.ts';
import type { RelayMemory } from '../../relay/types.ts';
import type { ForwardRoute } from '../edge-route.ts';
import type { ErrorPages } from '../error-pages.ts';
import type { Holders } from '../fast/fast-lane.ts';
import { RestingLines } from '../fast/resting-lines.ts';
import { UpstreamLines } from '../fast/upstream-line.ts';
import type { AdmittedVisit } from '../reception.ts';
import type { Recorder } from '../recorder.ts';
import { CarefulExchange } from './exchange.ts';

/**
 * Forwards plain HTTP requests to the upstreams of their routes.
 *
 * The listener calls `forward` once for each request of `'request'` and of `'checkContinue'` (the forwarder writes
 * the 100 itself, so that a declared body over the limit gets its 413 before one byte of it is sent), when it has
 * been admitted. The server must have `requestTimeout: 0`: only inactivity ends a request.
 */
export interface Forwarder {
  forward(req: IncomingMessage, res: ServerResponse, to: ForwardRoute, visit: AdmittedVisit): void;
  /** Ends requests whose receivers have taken nothing for longer than any may. Called when memory is almost spent. */
  makeRoom(): void;
  /** Requests that have not ended; a drain waits for 0. */
  readonly active: number;
  /** Cuts off the requests under way for whose route `isOver` holds. Returns how many. */
  abort(isOver: (route: Route) => boolean): number;
  /** Aborts the requests that remain. */
  close(): void;
}

/**
 * The bound is the same as for requests. Node's default of 16 KiB would turn an answer with many cookies into a 502.
 */
const maxResponseHeaderBytes = 64 * 1024;

/** What a forwarder works with. */
export interface ForwarderParts {
  readonly recorder: Recorder;
  /** What requests hold counts here. */
  readonly memory: MemoryLedger;
  /** What their connections to upstreams are read into. */
  readonly relayMemory: RelayMemory;
  /** Who looks after those that hold memory. */
  readonly holders: Holders;
  /** What the kernel holds for a socket. */
  readonly kernelQueue: (socket: Socket) => KernelQueue;
  /** Who has pages for answers of Sluice's own. */
  readonly pages: () => ErrorPages | null;
}

/** A forwarder whose requests go over the connections of their endpoints' pools. */
export class HttpForwarder implements Forwarder {
  readonly #parts: ForwarderParts;
  readonly #exchanges = new Map<IncomingMessage, CarefulExchange>();
  readonly #proxy: ProxyServer;
  readonly #upstreams: UpstreamLines;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#upstreams = new UpstreamLines(parts.relayMemory, new RestingLines(parts.holders));
    this.#proxy = createProxyServer({ selfHandleResponse: true });
    this.#proxy.on('proxyReq', (upstreamReq, req) => {
      contain(
        () => this.#exchanges.get(req)?.dialled(upstreamReq),
        () => req.socket.destroy(),
      );
    });
    this.#proxy.on('proxyRes', (upstreamRes, req) => {
      contain(
        () => this.#exchanges.get(req)?.answered(upstreamRes),
        () => req.socket.destroy(),
      );
    });
  }

  get active(): number {
    return this.#exchanges.size;
  }

  forward(req: IncomingMessage, res: ServerResponse, to: ForwardRoute, visit: AdmittedVisit): void {
    const { changes, target } = visit;
    // http-proxy takes the target for the upstream from here.
    req.url = changes === null ? target : changes.target(target);
    const lease = to.endpoint.lease();
    const { protocol, host, port } = to.endpoint.target;
    const exchange: CarefulExchange = new CarefulExchange(req, res, {
      // This is not spread, because a route of the edge makes these fields when they are asked for.
      route: to.route,
      endpoint: to.endpoint,
      hub: to.hub,
      visit,
      upstreams: this.#upstreams,
      ...this.#parts,
      send: (connection) => {
        const target = { protocol, host, port };
        // http-proxy fills the object in `ssl` and hands it to Node as the request's options. So it must be a new one
        // each time.
        const ssl = { maxHeaderSize: maxResponseHeaderBytes };
        this.#proxy
          .web(req, res, { target, ssl, agent: connection.asAgent })
          .catch((error: Error) => exchange.failed(error, connection));
      },
    });
    this.#exchanges.set(req, exchange);
    this.#parts.memory.holders.add(exchange);
    res.once('close', () => {
      this.#exchanges.delete(req);
      this.#parts.memory.holders.delete(exchange);
      // A mistake in one of them keeps nothing that the others give back.
      for (const end of [() => exchange.ended(), () => visit.giveBack(), () => lease[Symbol.dispose]()]) {
        contain(end, () => {});
      }
    });
    exchange.start();
  }

  makeRoom(): void {
    const { memory } = this.#parts;
    if (!memory.pressed) return;
    const now = performance.now();
    for (const exchange of this.#exchanges.values()) {
      if (!memory.pressed) return;
      const { stuckSince, route } = exchange;
      const { maxPauseMs } = route.limits.upstream;
      if (stuckSince !== null && maxPauseMs > 0 && now - stuckSince > maxPauseMs) {
        exchange.shed(memory.limitBytes, memory.usedBytes);
      }
    }
  }

  abort(isOver: (route: Route) => boolean): number {
    let count = 0;
    for (const exchange of this.#exchanges.values()) if (isOver(exchange.route) && exchange.abort()) count++;
    return count;
  }

  close(): void {
    for (const exchange of this.#exchanges.values()) exchange.abort();
  }
}
