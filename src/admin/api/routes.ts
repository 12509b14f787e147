/** The routes as the API shows them: what holds, what is open, what has been counted. */
import type { z } from 'zod';
import type { ConfigState } from '../../config/state.ts';
import type { Route, Sender } from '../../config/types.ts';
import type { RouteCounters, SenderCounters } from '../../metrics/counters.ts';
import type { Direction } from '../../relay/direction.ts';
import type { Session } from '../../relay/session.ts';
import type { routesSchema } from './schemas.ts';
import { routeSettings } from './settings.ts';

type Answer = z.infer<typeof routesSchema>;
type Live = Answer['totals'];

/** What the answer is made of. */
export interface RoutesSource {
  config(): ConfigState;
  sessions(): Iterable<Session>;
  countersOf(route: string): RouteCounters;
  /** What all buffers together hold, and may hold. */
  readonly memory: { readonly usedBytes: number; readonly limitBytes: number };
}

/** The answer of `GET /api/routes`. One pass over the connections serves all sums. */
export function describeRoutes(source: RoutesSource): Answer {
  const { config, resolved } = source.config();
  const { usedBytes, limitBytes } = source.memory;
  const live = new Map<string, Live>(config.routes.map(({ name }) => [name, nothing()]));
  const routes = new Map<string, Route>(config.routes.map((route) => [route.name, route]));
  const totals = nothing();
  for (const session of source.sessions()) {
    const { route, routeName } = session;
    let of = live.get(routeName);
    if (of === undefined) {
      // Removed by a reload: it lives until its connections do not.
      of = nothing();
      live.set(routeName, of);
      routes.set(routeName, route);
    }
    for (const sums of [of, totals]) addSession(sums, session);
  }
  return {
    routes: [...routes.values()].map((route) => {
      const inForce = config.routes.includes(route);
      const found = resolved?.routes.find((candidate) => candidate.route === route);
      return {
        name: route.name,
        in_force: inForce,
        match: { hosts: [...route.hosts], path: route.path },
        upstream: route.upstream.href,
        preset: route.preset,
        max_connections: finite(route.connections.max),
        live: live.get(route.name)!,
        counted: describeCounters(source.countersOf(route.name)),
        settings: routeSettings(route, found?.sources ?? null),
      };
    }),
    totals,
    memory: { held_bytes: usedBytes, max_bytes: finite(limitBytes) },
  };
}

function nothing(): Live {
  const sender = { buffered_bytes: 0, queued_messages: 0, paused_connections: 0 };
  return { connections: 0, client: { ...sender }, upstream: { ...sender } };
}

function addSession(sums: Live, { client, upstream }: Session): void {
  sums.connections++;
  addSender(sums.client, client.inbound);
  addSender(sums.upstream, upstream.inbound);
}

function addSender(sums: Live[Sender], { bufferedBytes, queuedMessages, paused }: Direction): void {
  sums.buffered_bytes += bufferedBytes;
  sums.queued_messages += queuedMessages;
  if (paused) sums.paused_connections++;
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
