/** What the open connections hold, added up by route. */
import { type Config, labelledRoutes, type Route, type Sender } from '../../config/types.ts';
import type { PauseCause } from './counters.ts';
import type { LiveSender, LiveSource } from './source.ts';

/** One sender's part in a route's buffers. */
export interface SenderSums {
  bufferedBytes: number;
  queuedMessages: number;
  /** Connections on which the sender is paused. */
  paused: number;
  /** How long the present pauses have lasted, in all; the counters have those that are over. */
  readonly pausedMs: Record<PauseCause, number>;
}

/** A route's open connections. */
export interface RouteSums extends Readonly<Record<Sender, SenderSums>> {
  connections: number;
}

/** Where the sums come from. */
export interface SummedSource {
  config(): Config;
  readonly live: LiveSource;
}

/** Sums of each route: of those that are configured, and of those that a reload removed and connections still have. */
export type SumsByRoute = ReadonlyMap<Route, RouteSums>;

const current = new WeakMap<SummedSource, SumsByRoute>();

/** The sums of all connections; one pass over thousands of them serves all who ask in the same turn. */
export function sumsByRoute(source: SummedSource): SumsByRoute {
  const known = current.get(source);
  if (known) return known;
  const now = performance.now();
  const byName = new Map<string, RouteSums>();
  const sums = new Map<Route, RouteSums>();
  const of = (route: Route): RouteSums => {
    const known = byName.get(route.name);
    if (known) return known;
    const fresh = zeroSums();
    byName.set(route.name, fresh);
    sums.set(route, fresh);
    return fresh;
  };
  for (const route of labelledRoutes(source.config())) of(route);
  for (const { route, client, upstream } of source.live.sessions()) {
    const open = of(route);
    open.connections++;
    add(open.client, client, now);
    add(open.upstream, upstream, now);
  }
  current.set(source, sums);
  queueMicrotask(() => current.delete(source));
  return sums;
}

/** Adds `more` to `sums`, and returns it. */
export function addSums(sums: RouteSums, more: RouteSums): RouteSums {
  sums.connections += more.connections;
  for (const sender of ['client', 'upstream'] as const) {
    const [to, from] = [sums[sender], more[sender]];
    to.bufferedBytes += from.bufferedBytes;
    to.queuedMessages += from.queuedMessages;
    to.paused += from.paused;
    for (const cause of Object.keys(to.pausedMs) as PauseCause[]) to.pausedMs[cause] += from.pausedMs[cause];
  }
  return sums;
}

/** The sums of nothing. */
export function zeroSums(): RouteSums {
  return { connections: 0, client: zeroSender(), upstream: zeroSender() };
}

function add(sums: SenderSums, sender: LiveSender, now: number): void {
  sums.bufferedBytes += sender.bufferedBytes;
  sums.queuedMessages += sender.queuedMessages;
  if (!sender.paused) return;
  sums.paused++;
  for (const [cause, since] of sender.pauses.causes) {
    if (cause !== 'drain' && cause !== 'answers') sums.pausedMs[cause] += now - since;
  }
}

function zeroSender(): SenderSums {
  const pausedMs = { buffer: 0, queue: 0, rate: 0, memory: 0 };
  return { bufferedBytes: 0, queuedMessages: 0, paused: 0, pausedMs };
}
