/** What stands open right now, and the limits beside it. */
import type { Route, Sender } from '../config/types.ts';
import type { NumberFamily } from './families.ts';
import { type SenderSums, sumsByRoute } from './live-sums.ts';
import type { MetricsSource } from './source.ts';

const senders: readonly Sender[] = ['client', 'upstream'];

/** Gauges of open connections and of the limits that bind them. */
export const liveFamilies: readonly NumberFamily[] = [
  {
    type: 'gauge',
    name: 'connections_active',
    help: 'Open WebSocket connections.',
    labels: ['route'],
    collect(source, emit) {
      for (const [route, { connections }] of sumsByRoute(source)) emit({ route }, connections);
    },
  },
  {
    type: 'gauge',
    name: 'connections_limit',
    help: 'connections.max: how many WebSocket connections the route admits; +Inf is unlimited.',
    labels: ['route'],
    collect: (source, emit) => eachRoute(source, (route) => emit({ route: route.name }, route.connections.max)),
  },
  {
    type: 'gauge',
    name: 'message_size_limit_bytes',
    help: 'max_message_size: the largest message that the sender may send; +Inf is unlimited.',
    labels: ['route', 'sender'],
    collect: (source, emit) =>
      eachRoute(source, ({ name, limits }) => {
        for (const sender of senders) emit({ route: name, sender }, limits[sender].maxMessageBytes);
      }),
  },
  liveSum(
    'buffered_bytes',
    'Bytes read from the sender that the other side has not accepted yet.',
    (s) => s.bufferedBytes,
  ),
  liveSum('queued_messages', 'Messages, whole or partial, among the buffered bytes.', (s) => s.queuedMessages),
  {
    type: 'gauge',
    name: 'buffer_limit_bytes',
    help: 'What may be buffered. Scope `connection`: of one sender of each connection, max_buffer_size. Scope `process`: of all together, memory.max_buffered, without the other labels.',
    labels: ['scope', 'route', 'sender'],
    collect(source, emit) {
      eachRoute(source, ({ name, limits }) => {
        for (const sender of senders) {
          emit({ scope: 'connection', route: name, sender }, limits[sender].maxBufferBytes);
        }
      });
      emit({ scope: 'process' }, source.live.memory.limitBytes);
    },
  },
  {
    type: 'gauge',
    name: 'memory_pressure_ratio',
    help: 'What all buffers together hold, as a share of memory.max_buffered. From 0.75 on new handshakes get 503, above 1 the largest connections end.',
    labels: [],
    collect: (source, emit) => emit({}, source.live.memory.pressure),
  },
  liveSum(
    'paused_connections',
    'Connections on which Sluice does not read from the sender at present.',
    (s) => s.paused,
  ),
];

/** A gauge that adds up one number of every open connection, per route and sender. */
function liveSum(name: string, help: string, read: (sums: SenderSums) => number): NumberFamily {
  return {
    type: 'gauge',
    name,
    help,
    labels: ['route', 'sender'],
    collect(source, emit) {
      for (const [route, sums] of sumsByRoute(source)) {
        for (const sender of senders) emit({ route, sender }, read(sums[sender]));
      }
    },
  };
}

function eachRoute(source: MetricsSource, visit: (route: Route) => void): void {
  for (const route of source.config().routes) visit(route);
}
