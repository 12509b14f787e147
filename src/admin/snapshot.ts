/** What the status page shows, once per second: one value for all watchers. */
import type { ConfigError } from '../config/language/errors.ts';
import { shownError } from '../config/live/shown-error.ts';
import type { ConfigState } from '../config/live/state.ts';
import type { Config, Route, Sender } from '../config/types.ts';
import type { SenderCounters } from '../observe/metrics/counters.ts';
import type { SenderSums } from '../observe/metrics/live-sums.ts';
import { type RouteReading, readRoutes } from '../observe/metrics/reading.ts';
import type { LiveSource } from '../observe/metrics/source.ts';
import type { CounterStore } from '../observe/metrics/store.ts';
import type { DrainProgress } from './api/drain.ts';
import type { Rates, Throughput } from './throughput.ts';

/** Whether the configuration's files hold; times are Unix milliseconds. */
export interface ConfigStatus {
  readonly files: readonly string[];
  readonly hash: string;
  readonly loadedAt: number;
  /** Keys whose values in the files wait for a restart. */
  readonly needsRestart: readonly string[];
  /** Why the files as they are now are not in force, a line each that names file, line and column. */
  readonly error: { readonly at: number; readonly lines: readonly string[] } | null;
}

/** A drain that is under way; times are Unix milliseconds. */
export interface DrainStatus {
  readonly phase: DrainProgress['phase'];
  readonly startedAt: number;
  /** When new connections are refused and closing begins. */
  readonly closesAt: number;
  /** When whatever is left is cut. */
  readonly deadlineAt: number;
}

/** What all buffers together hold. */
export interface MemoryStatus {
  /** As a share of what they may hold. */
  readonly pressure: number;
  /** Bytes; `null` is unlimited. */
  readonly max: number | null;
}

/** What a snapshot is made of. */
export interface SnapshotSource {
  config(): Config;
  configState(): ConfigState;
  readonly counters: CounterStore;
  readonly live: LiveSource;
  /** `null` before it begins. */
  drain(): DrainProgress | null;
  readonly build: { readonly version: string; readonly revision: string };
}

/** What is kept between snapshots. */
export interface SnapshotMemory {
  readonly throughput: Throughput;
  readonly startedAt: number;
}

/** One sender on one route. `null` is unlimited. */
export interface SenderSnapshot {
  readonly messages: number;
  readonly bytes: number;
  /** Counts of `sizeBounds`, and the rest. */
  readonly sizes: readonly number[];
  readonly maxMessage: number | null;
  readonly maxBuffer: number | null;
  readonly buffered: number;
  readonly queued: number;
  readonly paused: number;
}

/** A route, with those that its preset brought. */
export interface RouteSnapshot extends Readonly<Record<Sender, SenderSnapshot>> {
  readonly name: string;
  /** How it matches and where it leads; `null` if a reload has removed it and connections remain. */
  readonly where: { readonly hosts: readonly string[]; readonly path: string; readonly upstream: string } | null;
  readonly mode: 'enforce' | 'report';
  readonly connections: number;
  readonly maxConnections: number | null;
  readonly rates: Rates;
}

export interface Snapshot {
  readonly at: number;
  readonly startedAt: number;
  readonly build: { readonly version: string; readonly revision: string };
  readonly drain: DrainStatus | null;
  readonly config: ConfigStatus;
  readonly memory: MemoryStatus;
  readonly routes: readonly RouteSnapshot[];
}

/** The most mistakes that are shown. They come anew each second, and nobody reads more. */
const maxLines = 20;

/** Looks at everything once. */
export function takeSnapshot(source: SnapshotSource, memory: SnapshotMemory, now: number): Snapshot {
  return {
    at: now,
    startedAt: memory.startedAt,
    build: source.build,
    drain: drainStatus(source.drain()),
    config: configStatus(source.configState()),
    memory: { pressure: source.live.memory.pressure, max: finite(source.live.memory.limitBytes) },
    routes: readRoutes(source)
      .filter(({ route, live }) => route !== null || live.connections > 0)
      .map((reading) => routeSnapshot(reading, memory.throughput)),
  };
}

function configStatus({ config, loadedAtMs, needsRestart, lastError }: ConfigState): ConfigStatus {
  const { files, hash } = config;
  const error = lastError && { at: lastError.atMs, lines: linesOf(lastError.errors) };
  return { files, hash, loadedAt: loadedAtMs, needsRestart, error };
}

function linesOf(errors: readonly ConfigError[]): string[] {
  const lines = errors.slice(0, maxLines).map(shownError);
  const more = errors.length - lines.length;
  return more === 0 ? lines : [...lines, `and ${more} more`];
}

function drainStatus(drain: DrainProgress | null): DrainStatus | null {
  if (drain === null) return null;
  const { phase, startedAtMs, closesAtMs, deadlineAtMs } = drain;
  return { phase, startedAt: startedAtMs, closesAt: closesAtMs, deadlineAt: deadlineAtMs };
}

function routeSnapshot({ label, live, route, counters }: RouteReading, throughput: Throughput): RouteSnapshot {
  return {
    name: label,
    where: route ? { hosts: route.hosts, path: route.path, upstream: route.upstream.href } : null,
    mode: route?.limits.mode ?? 'enforce',
    connections: live.connections,
    maxConnections: finite(route?.connections.max),
    rates: throughput.latest(label),
    client: senderSnapshot(counters.client, live.client, route, 'client'),
    upstream: senderSnapshot(counters.upstream, live.upstream, route, 'upstream'),
  };
}

function senderSnapshot(
  counted: SenderCounters,
  sums: SenderSums,
  route: Route | null,
  sender: Sender,
): SenderSnapshot {
  const limits = route?.limits[sender];
  return {
    messages: counted.messages,
    bytes: counted.messageBytes,
    sizes: [...counted.messageSizes.counts],
    maxMessage: finite(limits?.maxMessageBytes),
    maxBuffer: finite(limits?.maxBufferBytes),
    buffered: sums.bufferedBytes,
    queued: sums.queuedMessages,
    paused: sums.paused,
  };
}

/** JSON has no infinity. */
function finite(limit: number | undefined): number | null {
  return limit === undefined || limit === Number.POSITIVE_INFINITY ? null : limit;
}
