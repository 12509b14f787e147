/** What stands open right now, and the limits beside it. */
import type { Route, Sender } from '../config/types.ts';
import type { NumberFamily } from './families.ts';
import type { LiveSender, LiveSource, MetricsSource } from './source.ts';

const senders: readonly Sender[] = ['client', 'upstream'];

/** Gauges of open connections and of the limits that bind them. */
export const liveFamilies: readonly NumberFamily[] = [
  {
    type: 'gauge',
    name: 'connections_active',
    help: 'Open WebSocket connections.',
    labels: ['route'],
    collect(source, emit) {
      const counts = zeroByRoute(source);
      for (const { routeName } of source.live.sessions()) counts.set(routeName, (counts.get(routeName) ?? 0) + 1);
      for (const [route, count] of counts) emit({ route }, count);
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
    help: 'max_buffer_size: what may be buffered of the sender. The scope `connection` is the limit of each connection.',
    labels: ['scope', 'route', 'sender'],
    collect: (source, emit) =>
      eachRoute(source, ({ name, limits }) => {
        for (const sender of senders) {
          emit({ scope: 'connection', route: name, sender }, limits[sender].maxBufferBytes);
        }
      }),
  },
  liveSum('paused_connections', 'Connections on which Sluice does not read from the sender at present.', (s) =>
    Number(s.paused),
  ),
];

/** A gauge that adds up one number of every open connection, per route and sender. */
function liveSum(name: string, help: string, read: (sender: LiveSender) => number): NumberFamily {
  return {
    type: 'gauge',
    name,
    help,
    labels: ['route', 'sender'],
    collect(source, emit) {
      const sums = { client: zeroByRoute(source), upstream: zeroByRoute(source) };
      addUp(source.live, sums, read);
      for (const sender of senders) for (const [route, sum] of sums[sender]) emit({ route, sender }, sum);
    },
  };
}

function addUp(
  live: LiveSource,
  sums: Record<Sender, Map<string, number>>,
  read: (sender: LiveSender) => number,
): void {
  for (const session of live.sessions()) {
    for (const sender of senders) {
      const sum = sums[sender];
      sum.set(session.routeName, (sum.get(session.routeName) ?? 0) + read(session[sender]));
    }
  }
}

function zeroByRoute(source: MetricsSource): Map<string, number> {
  return new Map(source.config().routes.map((route) => [route.name, 0]));
}

function eachRoute(source: MetricsSource, visit: (route: Route) => void): void {
  for (const route of source.config().routes) visit(route);
}
