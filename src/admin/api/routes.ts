/** The routes as the API shows them: what holds, what is open, what has been counted. */
import type { z } from 'zod';
import type { ConfigState } from '../../config/live/state.ts';
import { sourcesByRoute } from '../../config/model/resolved.ts';
import { labelledRoutes, type Sender } from '../../config/types.ts';
import type { RouteCounters, SenderCounters } from '../../observe/metrics/counters.ts';
import { addSums, type RouteSums, type SenderSums, sumsByRoute, zeroSums } from '../../observe/metrics/live-sums.ts';
import type { LiveSource } from '../../observe/metrics/source.ts';
import { type Lazy, lazily } from '../sliced-json.ts';
import type { routesSchema } from './schemas.ts';
import { showRouteSettings } from './settings.ts';

type Answer = z.infer<typeof routesSchema>;
type Live = Answer['totals'];

/** What the answer is made of. */
export interface RoutesSource {
  config(): ConfigState;
  countersOf(label: string): RouteCounters;
  readonly live: LiveSource;
  /** What all buffers together hold, and may hold. */
  readonly memory: { readonly usedBytes: number; readonly limitBytes: number };
}

/** The answer of `GET /api/routes`. One pass over the connections serves all sums. */
export function describeRoutes(source: RoutesSource): Lazy<Answer> {
  const { config, resolved } = source.config();
  const { usedBytes, limitBytes } = source.memory;
  const sums = sumsByRoute({ config: () => config, live: source.live });
  const sources = sourcesByRoute(resolved);
  const inForce = new Set(labelledRoutes(config));
  return {
    // A route that a reload has removed lives until its connections do not.
    routes: lazily(sums, ([route, live]) => ({
      name: route.name,
      metrics_route: route.label,
      in_force: inForce.has(route),
      match: { hosts: [...route.hosts], path: route.path },
      upstream: route.upstream.href,
      preset: route.preset,
      max_connections: finite(route.connections.max),
      live: describeLive(live),
      counted: describeCounters(source.countersOf(route.label)),
      settings: showRouteSettings(route, sources.get(route) ?? null),
    })),
    totals: describeLive([...sums.values()].reduce(addSums, zeroSums())),
    memory: { held_bytes: usedBytes, max_bytes: finite(limitBytes) },
  };
}

function describeLive({ connections, client, upstream }: RouteSums): Live {
  return { connections, client: describeWaiting(client), upstream: describeWaiting(upstream) };
}

function describeWaiting({ bufferedBytes, queuedMessages, paused }: SenderSums): Live[Sender] {
  return { buffered_bytes: bufferedBytes, queued_messages: queuedMessages, paused_connections: paused };
}

function describeCounters(counters: RouteCounters): Answer['routes'][number]['counted'] {
  return {
    opened: counters.handshakes.get('opened'),
    closed: counters.closed.total,
    client: describeSender(counters.client),
    upstream: describeSender(counters.upstream),
  };
}

function describeSender(counters: SenderCounters): Answer['routes'][number]['counted'][Sender] {
  return {
    messages: counters.messages,
    bytes: counters.messageBytes,
    violations: counters.violations.total,
    pauses: sum(Object.values(counters.pauses)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

function finite(value: number): number | 'unlimited' {
  return value === Number.POSITIVE_INFINITY ? 'unlimited' : value;
}
