/** What stands open right now, and the limits beside it. */
import type { Sender } from '../../config/types.ts';
import type { NumberFamily } from './families.ts';
import type { SenderSums } from './live-sums.ts';
import { hadConnections } from './reading.ts';

const senders: readonly Sender[] = ['client', 'upstream'];

/** Gauges of open connections and of the limits that bind them. */
export const liveFamilies: readonly NumberFamily[] = [
  {
    type: 'gauge',
    name: 'connections_active',
    help: 'Open WebSocket connections.',
    labels: ['route'],
    ofRoute(reading, emit) {
      const { label, live, route } = reading;
      if (route !== null || hadConnections(reading)) emit([label], live.connections);
    },
  },
  {
    type: 'gauge',
    name: 'connections_limit',
    help: 'connections.max: how many WebSocket connections the route admits; +Inf is unlimited.',
    labels: ['route'],
    ofRoute({ label, route }, emit) {
      if (route !== null) emit([label], route.connections.max);
    },
  },
  {
    type: 'gauge',
    name: 'message_size_limit_bytes',
    help: 'max_message_size: the largest message that the sender may send; +Inf is unlimited.',
    labels: ['route', 'sender'],
    ofRoute({ label, route }, emit) {
      if (route === null) return;
      for (const sender of senders) emit([label, sender], route.limits[sender].maxMessageBytes);
    },
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
    ofProcess: ({ live }, emit) => emit(['process', '', ''], live.memory.limitBytes),
    ofRoute({ label, route }, emit) {
      if (route === null) return;
      for (const sender of senders) emit(['connection', label, sender], route.limits[sender].maxBufferBytes);
    },
  },
  {
    type: 'gauge',
    name: 'memory_pressure_ratio',
    help: 'What all buffers together hold, as a share of memory.max_buffered. From 0.75 on new handshakes get 503, above 1 the largest connections end.',
    labels: [],
    ofProcess: ({ live }, emit) => emit([], live.memory.pressure),
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
    ofRoute(reading, emit) {
      const { label, live } = reading;
      // Where no connection ever was, nothing can wait.
      if (!hadConnections(reading)) return;
      for (const sender of senders) emit([label, sender], read(live[sender]));
    },
  };
}
