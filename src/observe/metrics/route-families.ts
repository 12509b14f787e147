/**
 * What is counted per route. A series is there once something was counted on it, so a route that nobody uses costs a
 * scrape a few lines. Those that alerts watch are there at 0: otherwise they would come to life with their first event,
 * which Prometheus does not see as an increase.
 */

import type { HandshakeResult } from '../../catalogue/outcomes.ts';
import type { Sender } from '../../config/types.ts';
import { type Histogram, type PauseCause, RouteCounters, type SenderCounters, type Tally } from './counters.ts';
import type { Emit, Family, HistogramFamily, NumberFamily } from './families.ts';
import { hadConnections, type RouteReading } from './reading.ts';
import { watchedAuth, watchedEndings, watchedLimits, watchedResults } from './watched.ts';

const senders: readonly Sender[] = ['client', 'upstream'];
/** Read for the bounds of its histograms. */
const shape = new RouteCounters();

/** Errors of upstreams that occur without a mistake in the configuration. */
const watchedErrors = ['connect_refused', 'connect_timeout', 'reset'];

/** Counters and histograms of every route. */
export const routeFamilies: readonly Family[] = [
  perRoute(
    'handshakes_total',
    'WebSocket handshakes, and HTTP requests refused before their forwarding, by how they ended; `opened` became connections.',
    ['result'],
    ({ label, route, counters: { handshakes } }, emit) => {
      const zero = (result: HandshakeResult) => {
        if (handshakes.get(result) === 0) emit([label, result], 0);
      };
      if (route !== null) {
        zero('opened');
        for (const result of watchedResults(route)) zero(result);
      }
      emitTally(emit, [label], handshakes);
    },
  ),
  perRoute(
    'auth_total',
    'Credentials that were judged, by the kind that judged them and what came of it; `admitted` were let in. Requests without any that `auth` of the route takes have the kind `none`.',
    ['kind', 'result'],
    ({ label, route, counters: { auth } }, emit) => {
      for (const kind of route === null ? [] : watchedAuth(route)) {
        if (auth.get(kind, 'unavailable') === 0) emit([label, kind, 'unavailable'], 0);
      }
      emitTally(emit, [label], auth);
    },
  ),
  perRouteHistogram(
    'handshake_duration_seconds',
    "Time from the client's request to the answer, for handshakes that opened a connection.",
    (of) => of.handshakeSeconds,
  ),
  perRouteHistogram(
    'upstream_connect_duration_seconds',
    'Time to connect to the upstream (TCP, and TLS where used) for WebSocket handshakes.',
    (of) => of.connectSeconds,
  ),
  perRouteHistogram(
    'connection_duration_seconds',
    'Life of connections that have ended, from the handshake to the last closed socket.',
    (of) => of.connectionSeconds,
  ),
  perRoute(
    'connections_closed_total',
    'Connections that have ended, by who ended them and why.',
    ['closed_by', 'reason'],
    ({ label, route, counters }, emit) => {
      if (route !== null) {
        for (const [by, reason] of watchedEndings) {
          if (counters.closed.get(by, reason) === 0) emit([label, by, reason], 0);
        }
      }
      emitTally(emit, [label], counters.closed);
    },
  ),
  perSender(
    'close_codes_total',
    'Close frames received from the sender, by code; rare codes share a value.',
    ['code'],
    (_, at, of, emit) => emitTally(emit, at, of.closeCodes),
  ),
  perSender('messages_total', 'Complete data messages read from the sender.', ['type'], (_, at, of, emit) => {
    emitUsed(emit, [...at, 'text'], of.textMessages);
    emitUsed(emit, [...at, 'binary'], of.binaryMessages);
  }),
  perSender(
    'message_bytes_total',
    'Payload bytes of data messages read from the sender, without frame headers.',
    [],
    (_, at, of, emit) => emitUsed(emit, at, of.messageBytes),
  ),
  perSender(
    'wire_bytes_total',
    'All bytes read from the sender after the handshake, frame headers and control frames included.',
    [],
    (_, at, of, emit) => emitUsed(emit, at, of.wireBytes),
  ),
  {
    type: 'histogram',
    name: 'message_size_bytes',
    help: 'Payload sizes of complete messages, and of refused ones as far as known when they were refused; of those the sum has what had come.',
    labels: ['route', 'sender'],
    bounds: shape.client.messageSizes.bounds,
    ofRoute({ label, counters }, emit) {
      for (const sender of senders) emit([label, sender], counters[sender].messageSizes);
    },
  },
  perSender(
    'limit_violations_total',
    'Exceeded limits, by their key in the configuration and what was done.',
    ['limit', 'action'],
    ({ route }, at, of, emit) => {
      if (route !== null && route.limits.mode === 'enforce') {
        for (const limit of watchedLimits(route.limits[at[1]])) {
          if (of.violations.get(limit, 'close') === 0) emit([...at, limit, 'close'], 0);
        }
      }
      emitTally(emit, at, of.violations);
    },
  ),
  perSender(
    'pauses_total',
    'How often Sluice stopped reading from the sender, by cause.',
    ['cause'],
    (_, at, of, emit) => {
      for (const [cause, count] of Object.entries(of.pauses)) emitUsed(emit, [...at, cause], count);
    },
  ),
  perSender(
    'paused_seconds_total',
    'For how long Sluice did not read from the sender, by cause; pauses that go on count as far as they have come.',
    ['cause'],
    (reading, at, of, emit) => {
      const watched = hadConnections(reading);
      for (const [cause, ms] of Object.entries(of.pausedMs) as [PauseCause, number][]) {
        const seconds = (ms + reading.live[at[1]].pausedMs[cause]) / 1000;
        if (seconds > 0 || (watched && cause === 'buffer')) emit([...at, cause], seconds);
      }
    },
  ),
  perRoute(
    'untrusted_forwarding_headers_total',
    'Requests with forwarding headers from a peer that trusted_proxies does not name.',
    [],
    ({ label, counters }, emit) => emitUsed(emit, [label], counters.untrustedForwardingHeaders),
  ),
  perRoute(
    'handshakes_over_rate_total',
    'Handshakes of one address beyond the rate that the preset of the route expects; they are let in.',
    [],
    ({ label, counters }, emit) => emitUsed(emit, [label], counters.handshakesOverRate),
  ),
  {
    type: 'histogram',
    name: 'ping_rtt_seconds',
    help: "Time from a ping of Sluice's own to its pong.",
    labels: ['route', 'leg'],
    bounds: shape.pingRttSeconds.client.bounds,
    ofRoute({ label, counters }, emit) {
      for (const leg of senders) emit([label, leg], counters.pingRttSeconds[leg]);
    },
  },
  perRoute(
    'upstream_errors_total',
    'Errors of upstreams, in handshakes and HTTP requests.',
    ['error'],
    ({ label, route, counters: { upstreamErrors } }, emit) => {
      if (route !== null) {
        for (const error of watchedErrors) if (upstreamErrors.get(error) === 0) emit([label, error], 0);
      }
      emitTally(emit, [label], upstreamErrors);
    },
  ),
  perRoute(
    'http_requests_total',
    'Forwarded plain HTTP requests that have ended, by method and class of the status; `none` where the client left before one.',
    ['method', 'code'],
    ({ label, counters }, emit) => emitTally(emit, [label], counters.httpRequests),
  ),
  perRouteHistogram(
    'http_request_duration_seconds',
    'Time from the head of a plain HTTP request to the end of its response; WebSockets never count here.',
    (of) => of.httpRequestSeconds,
  ),
  perRouteHistogram(
    'http_request_body_bytes',
    'Sizes of HTTP request bodies, of those that have one; refused ones as far as known.',
    (of) => of.httpBodyBytes,
  ),
];

function perRoute(
  name: string,
  help: string,
  labels: readonly string[],
  ofRoute: (reading: RouteReading, emit: Emit<number>) => void,
): NumberFamily {
  return { type: 'counter', name, help, labels: ['route', ...labels], ofRoute };
}

function perSender(
  name: string,
  help: string,
  labels: readonly string[],
  read: (
    reading: RouteReading,
    at: readonly [label: string, sender: Sender],
    of: SenderCounters,
    emit: Emit<number>,
  ) => void,
): NumberFamily {
  return perRoute(name, help, ['sender', ...labels], (reading, emit) => {
    for (const sender of senders) read(reading, [reading.label, sender], reading.counters[sender], emit);
  });
}

function perRouteHistogram(name: string, help: string, read: (of: RouteCounters) => Histogram): HistogramFamily {
  return {
    type: 'histogram',
    name,
    help,
    labels: ['route'],
    bounds: read(shape).bounds,
    ofRoute: ({ label, counters }, emit) => emit([label], read(counters)),
  };
}

/** Emits a number that has ever been counted. */
function emitUsed(emit: Emit<number>, labels: readonly string[], value: number): void {
  if (value > 0) emit(labels, value);
}

/** Emits everything that has occurred, under `at` and the labels of its own. */
function emitTally(emit: Emit<number>, at: readonly string[], counts: Tally<readonly string[]>): void {
  for (const { labels, count } of counts.rows) emit([...at, ...labels], count);
}
