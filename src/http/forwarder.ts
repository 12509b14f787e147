/** Plain HTTP: what the listener hands over after routing, and what it gets back. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Route } from '../config/types.ts';
import type { RouteCounters } from '../metrics/counters.ts';

/** What the listener found out about a request before its forwarding. */
export interface ForwardAbout {
  /** The client's address after `trusted_proxies`. */
  readonly address: string;
  /**
   * Forwarding headers for the upstream, in order, as `[name, value]`. Incoming headers with one of these names are
   * replaced; other incoming forwarding headers (`Forwarded`, `X-Forwarded-*`, `X-Real-IP`, `X-Scheme`) are dropped
   * unless `trusted` is set.
   */
  readonly forwarding: readonly (readonly [name: string, value: string])[];
  /** The peer is one of `trusted_proxies`: its remaining forwarding headers pass. */
  readonly trusted: boolean;
}

/**
 * Forwards plain HTTP requests to the upstreams of their routes.
 *
 * The listener calls `forward` once for each request of `'request'` and of `'checkContinue'` (the forwarder writes the
 * 100 itself, so that a declared body over the limit gets its 413 before one byte of it is sent), with `req.url` in
 * origin form. The server must have `requestTimeout: 0`: only inactivity ends a request.
 */
export interface Forwarder {
  forward(req: IncomingMessage, res: ServerResponse, route: Route, counters: RouteCounters, about: ForwardAbout): void;
  /** Requests that have not ended; a drain waits for 0. */
  readonly active: number;
  /** Closes idle upstream connections and aborts the requests that remain. */
  close(): void;
}
