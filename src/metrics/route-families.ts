/** What is counted per route. Label sets that are known in advance start at 0, so that the first event is an increase. */
import type { Sender } from '../config/types.ts';
import {
  type ConnectionReason,
  connectionOutcomes,
  type EndedBy,
  type HandshakeResult,
  handshakeOutcomes,
  type LimitAction,
  type LimitName,
} from '../outcomes.ts';
import { type Histogram, type PauseCause, RouteCounters, type SenderCounters, type Tally } from './counters.ts';
import type { Family, HistogramFamily, Labels, NumberFamily } from './families.ts';
import { sumsByRoute } from './live-sums.ts';
import { unroutedName } from './store.ts';

/** Which actions a limit can lead to, and whether it binds both senders or the client alone. */
const limitActions: Readonly<
  Record<LimitName, { readonly actions: readonly LimitAction[]; readonly upstream: boolean }>
> = {
  max_message_size: { actions: ['close', 'report'], upstream: true },
  max_frame_size: { actions: ['close', 'report'], upstream: true },
  max_fragments: { actions: ['close', 'report'], upstream: true },
  message_timeout: { actions: ['close', 'report'], upstream: true },
  max_message_rate: { actions: ['close', 'pause', 'report'], upstream: true },
  max_byte_rate: { actions: ['close', 'pause', 'report'], upstream: true },
  max_control_rate: { actions: ['close'], upstream: true },
  max_pause: { actions: ['close'], upstream: true },
  'memory.max_buffered': { actions: ['close'], upstream: true },
  'connections.max': { actions: ['reject'], upstream: false },
  'connections.max_per_address': { actions: ['reject'], upstream: false },
  'http.max_body_size': { actions: ['reject'], upstream: false },
  'http.max_upstream_connections': { actions: ['reject'], upstream: false },
};

/** Errors of upstreams that have a label of their own. */
const upstreamErrors = [
  'connect_refused',
  'connect_timeout',
  'dns',
  'reset',
  'tls',
  'bad_handshake',
  'handshake_timeout',
  'bad_response',
  'response_timeout',
  'other',
];

const senders: readonly Sender[] = ['client', 'upstream'];
/** Read for the bounds of its histograms. */
const shape = new RouteCounters();

const zeroHandshakes = (Object.keys(handshakeOutcomes) as HandshakeResult[]).map((result) => [result] as const);
const zeroClosed = (Object.keys(connectionOutcomes) as ConnectionReason[]).map((r) => [endedBy(r), r] as const);
const zeroUpstreamErrors = upstreamErrors.map((error) => [error] as const);
/** The usual ones; all others appear with their first occurrence. */
const zeroCloseCodes = ['1000', '1001', '1009', '1011', '1012', 'none'].map((code) => [code] as const);
/** The usual ones; all others appear with their first occurrence. */
const zeroHttpRequests = ['GET', 'POST'].flatMap((method) =>
  ['2xx', '3xx', '4xx', '5xx'].map((code) => [method, code] as const),
);
const zeroViolations: Readonly<Record<Sender, readonly (readonly [LimitName, LimitAction])[]>> = {
  client: violationKeys(() => true),
  upstream: violationKeys((limit) => limitActions[limit].upstream),
};

function violationKeys(binds: (limit: LimitName) => boolean): (readonly [LimitName, LimitAction])[] {
  const limits = (Object.keys(limitActions) as LimitName[]).filter(binds);
  return limits.flatMap((limit) => limitActions[limit].actions.map((action) => [limit, action] as const));
}

/** Counters and histograms of every route. */
export const routeFamilies: readonly Family[] = [
  perRoute(
    'handshakes_total',
    'WebSocket handshakes, and HTTP requests refused before their forwarding, by how they ended; `opened` became connections.',
    ['result'],
    (labels, of, emit) => emitTally(emit, labels, ['result'], zeroHandshakes, of.handshakes),
    'unrouted too',
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
    (labels, of, emit) => emitTally(emit, labels, ['closed_by', 'reason'], zeroClosed, of.closed),
  ),
  perSender(
    'close_codes_total',
    'Close frames received from the sender, by code; rare codes share a value.',
    ['code'],
    (labels, of, emit) => emitTally(emit, labels, ['code'], zeroCloseCodes, of.closeCodes),
  ),
  perSender('messages_total', 'Complete data messages read from the sender.', ['type'], (labels, of, emit) => {
    emit({ ...labels, type: 'text' }, of.textMessages);
    emit({ ...labels, type: 'binary' }, of.binaryMessages);
  }),
  perSender(
    'message_bytes_total',
    'Payload bytes of data messages read from the sender, without frame headers.',
    [],
    (labels, of, emit) => emit(labels, of.messageBytes),
  ),
  perSender(
    'wire_bytes_total',
    'All bytes read from the sender after the handshake, frame headers and control frames included.',
    [],
    (labels, of, emit) => emit(labels, of.wireBytes),
  ),
  {
    type: 'histogram',
    name: 'message_size_bytes',
    help: 'Payload sizes of complete messages, and of refused ones as far as known when they were refused.',
    labels: ['route', 'sender'],
    bounds: shape.client.messageSizes.bounds,
    collect({ counters }, emit) {
      for (const [route, of] of counters.entries()) {
        for (const sender of senders) emit({ route, sender }, of[sender].messageSizes);
      }
    },
  },
  perSender(
    'limit_violations_total',
    'Exceeded limits, by their key in the configuration and what was done.',
    ['limit', 'action'],
    (labels, of, emit) => emitTally(emit, labels, ['limit', 'action'], zeroViolations[labels.sender], of.violations),
  ),
  perSender(
    'pauses_total',
    'How often Sluice stopped reading from the sender, by cause.',
    ['cause'],
    (labels, of, emit) => {
      for (const [cause, count] of Object.entries(of.pauses)) emit({ ...labels, cause }, count);
    },
  ),
  {
    type: 'counter',
    name: 'paused_seconds_total',
    help: 'For how long Sluice did not read from the sender, by cause; pauses that go on count as far as they have come.',
    labels: ['route', 'sender', 'cause'],
    collect(source, emit) {
      const live = sumsByRoute(source);
      for (const [route, of] of source.counters.entries()) {
        for (const sender of senders) {
          const going = live.get(route)?.[sender].pausedMs;
          for (const [cause, ms] of Object.entries(of[sender].pausedMs) as [PauseCause, number][]) {
            emit({ route, sender, cause }, (ms + (going?.[cause] ?? 0)) / 1000);
          }
        }
      }
    },
  },
  perRoute(
    'untrusted_forwarding_headers_total',
    'Requests with forwarding headers from a peer that trusted_proxies does not name.',
    [],
    (labels, of, emit) => emit(labels, of.untrustedForwardingHeaders),
    'unrouted too',
  ),
  {
    type: 'histogram',
    name: 'ping_rtt_seconds',
    help: "Time from a ping of Sluice's own to its pong.",
    labels: ['route', 'leg'],
    bounds: shape.pingRttSeconds.client.bounds,
    collect({ counters }, emit) {
      for (const [route, { pingRttSeconds }] of counters.entries()) {
        for (const leg of senders) emit({ route, leg }, pingRttSeconds[leg]);
      }
    },
  },
  perRoute(
    'upstream_errors_total',
    'Errors of upstreams, in handshakes and HTTP requests.',
    ['error'],
    (labels, of, emit) => emitTally(emit, labels, ['error'], zeroUpstreamErrors, of.upstreamErrors),
  ),
  perRoute(
    'http_requests_total',
    'Forwarded plain HTTP requests that have ended, by method and class of the status; `none` where the client left before one.',
    ['method', 'code'],
    (labels, of, emit) => emitTally(emit, labels, ['method', 'code'], zeroHttpRequests, of.httpRequests),
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

/** Every reason has one side that it can be blamed on. */
function endedBy(reason: ConnectionReason): EndedBy {
  if (reason.startsWith('client_')) return 'client';
  return reason.startsWith('upstream_') ? 'upstream' : 'sluice';
}

type Emit = (labels: Labels, value: number) => void;

function perRoute(
  name: string,
  help: string,
  labels: readonly string[],
  read: (labels: { route: string }, of: RouteCounters, emit: Emit) => void,
  unrouted?: 'unrouted too',
): NumberFamily {
  return {
    type: 'counter',
    name,
    help,
    labels: ['route', ...labels],
    collect({ counters }, emit) {
      for (const [route, of] of counters.entries()) read({ route }, of, emit);
      if (unrouted) read({ route: unroutedName }, counters.unrouted, emit);
    },
  };
}

function perSender(
  name: string,
  help: string,
  labels: readonly string[],
  read: (labels: { route: string; sender: Sender }, of: SenderCounters, emit: Emit) => void,
): NumberFamily {
  return perRoute(name, help, ['sender', ...labels], ({ route }, of, emit) => {
    for (const sender of senders) read({ route, sender }, of[sender], emit);
  });
}

function perRouteHistogram(name: string, help: string, read: (of: RouteCounters) => Histogram): HistogramFamily {
  return {
    type: 'histogram',
    name,
    help,
    labels: ['route'],
    bounds: read(shape).bounds,
    collect({ counters }, emit) {
      for (const [route, of] of counters.entries()) emit({ route }, read(of));
    },
  };
}

/** Emits a tally under the names of its labels; what `zeroes` names and never occurred, as 0. */
function emitTally<L extends readonly string[]>(
  emit: Emit,
  labels: Labels,
  names: readonly string[],
  zeroes: readonly Readonly<L>[],
  counts: Tally<L>,
): void {
  const named = (values: Readonly<L>) => ({
    ...labels,
    ...Object.fromEntries(names.map((name, i) => [name, values[i]!])),
  });
  for (const values of zeroes) if (counts.get(...values) === 0) emit(named(values), 0);
  for (const { labels: values, count } of counts.rows) emit(named(values), count);
}
