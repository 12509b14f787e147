/** What the open connections hold, added up by route. */
import type { Config, Sender } from '../config/types.ts';
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

const current = new WeakMap<SummedSource, ReadonlyMap<string, RouteSums>>();

/** The sums of all connections; one pass over thousands of them serves all who ask in the same turn. */
export function sumsByRoute(source: SummedSource): ReadonlyMap<string, RouteSums> {
  const known = current.get(source);
  if (known) return known;
  const now = performance.now();
  const sums = new Map(source.config().routes.map((route) => [route.name, zeroSums()]));
  for (const { routeName, client, upstream } of source.live.sessions()) {
    const of = sums.get(routeName) ?? zeroSums();
    sums.set(routeName, of);
    of.connections++;
    add(of.client, client, now);
    add(of.upstream, upstream, now);
  }
  current.set(source, sums);
  queueMicrotask(() => current.delete(source));
  return sums;
}

function add(sums: SenderSums, sender: LiveSender, now: number): void {
  sums.bufferedBytes += sender.bufferedBytes;
  sums.queuedMessages += sender.queuedMessages;
  if (!sender.paused) return;
  sums.paused++;
  for (const [cause, since] of sender.pauses.causes) {
    if (cause !== 'drain') sums.pausedMs[cause] += now - since;
  }
}

function zeroSums(): RouteSums {
  return { connections: 0, client: zeroSender(), upstream: zeroSender() };
}

function zeroSender(): SenderSums {
  const pausedMs = { buffer: 0, queue: 0, rate: 0, memory: 0 };
  return { bufferedBytes: 0, queuedMessages: 0, paused: 0, pausedMs };
}
