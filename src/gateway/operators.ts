/** What operators have: the admin port, and behind it metrics, probes, the API, the status page and what these show. */
import { readFileSync } from 'node:fs';
import type { DrainSource } from '../admin/api/drain.ts';
import { apiEndpoints } from '../admin/api/endpoints.ts';
import type { FindSource } from '../admin/api/find-route.ts';
import { Feed } from '../admin/feed.ts';
import { Guard } from '../admin/guard.ts';
import { pageEndpoints } from '../admin/page-files.ts';
import { probeEndpoints } from '../admin/probes.ts';
import { Scrapes } from '../admin/scrapes.ts';
import { AdminServer } from '../admin/server.ts';
import { ViolationLog } from '../admin/violations.ts';
import { withPort } from '../bind.ts';
import type { CurrentConfig } from '../config/live/current.ts';
import type { ConfigState } from '../config/live/state.ts';
import type { ListenAddress } from '../config/types.ts';
import type { Log } from '../observe/log/log.ts';
import { tally } from '../observe/metrics/counters.ts';
import { createRenderer, type Renderer } from '../observe/metrics/prometheus.ts';
import type { LiveSession } from '../observe/metrics/source.ts';
import type { CounterStore } from '../observe/metrics/store.ts';
import type { SharedQuotas } from '../quotas/shared-quotas.ts';
import type { SessionRegistry } from '../relay/registry.ts';
import type { HubSide } from './hub-side.ts';
import { listenAt } from './listen-failure.ts';

/**
 * What the admin port shows: everything, at the address of the configuration; metrics and probes alone, at another; or
 * nothing, and then it does not listen.
 */
export type AdminShows = 'everything' | 'nothing' | { readonly metricsAt: ListenAddress };

export interface OperatorsParts extends FindSource {
  readonly shows: AdminShows;
  readonly log: Log;
  readonly current: CurrentConfig;
  readonly counters: CounterStore;
  readonly sessions: SessionRegistry;
  readonly hub: HubSide | null;
  readonly quotas: SharedQuotas | null;
  readonly drain: DrainSource;
  /** How many files that the configuration names cannot be used as they are now. */
  readonly rejectedFiles: () => number;
  /** Whether the public port lets clients in: `yes`, or why not. */
  readonly accepting: () => Promise<string>;
  /** Whether a connection that has been accepted may stay. */
  readonly hasRoom: () => boolean;
}

export class Operators {
  readonly violations = new ViolationLog();
  /** Renders all metrics as they are now. */
  readonly renderMetrics: Renderer;
  /** `null` where nobody listens. */
  readonly #address: ListenAddress | null;
  readonly #guard: Guard;
  readonly #feed: Feed;
  readonly #server: AdminServer;

  constructor(parts: OperatorsParts) {
    const { shows, log, current, counters, sessions, hub, quotas, drain } = parts;
    const { admin } = current.config;
    const { budget } = sessions.memory;
    this.#address = shows === 'nothing' ? null : shows === 'everything' ? admin.address : shows.metricsAt;
    this.#guard = new Guard({
      admin: typeof shows === 'string' ? admin : { address: shows.metricsAt, tokenFile: null },
      log,
      count: (reason) => tally(counters.adminRefusals, reason),
    });
    const source = {
      config: () => current.config,
      counters,
      live: { sessions: () => liveSessions(sessions), memory: budget },
      drainDeadlineAtMs: () => drain.state()?.deadlineAtMs ?? null,
      lastReload: () => lastReload(current.state),
      reloads: () => current.reloads,
      rejectedFiles: parts.rejectedFiles,
      logLinesDropped: () => log.dropped,
      routesApi: () => hub?.reading ?? null,
      quotaStore: () => quotas && { isThere: quotas.isThere, counters: counters.quotaStore },
      build: { version: packageVersion(), revision: process.env.SLUICE_REVISION ?? '' },
    };
    this.renderMetrics = createRenderer(source);
    this.#feed = new Feed({
      ...source,
      configState: () => current.state,
      drain: () => drain.state(),
      violations: this.violations,
    });
    const open = [
      ...probeEndpoints({
        accepting: parts.accepting,
        draining: () => drain.state() !== null,
        routes: () => hub?.port.state ?? 'complete',
        config: () => current.state,
      }),
      new Scrapes(this.renderMetrics).endpoint,
    ];
    const api = apiEndpoints({
      config: () => current.state,
      sessions: () => sessions.sessions,
      countersOf: (label) => counters.read(label),
      findRoute: parts.findRoute,
      noteActivity: parts.noteActivity,
      live: source.live,
      memory: budget,
      drain,
      build: source.build,
    });
    this.#server = new AdminServer({
      guard: this.#guard,
      endpoints: shows === 'everything' ? [...open, ...api, ...pageEndpoints(), this.#feed.endpoint] : open,
      log,
      hasRoom: parts.hasRoom,
    });
  }

  /** How many status pages are open. */
  get watchers(): number {
    return this.#feed.watchers;
  }

  /** Why the token cannot be used; `null` if it can, or if there is none. */
  problem(): Promise<string | null> {
    return this.#guard.problem();
  }

  /** Returns the address with the port that it really has; `null` where it does not listen. */
  async listen(): Promise<ListenAddress | null> {
    const address = this.#address;
    if (address === null) return null;
    return withPort(address, await listenAt('admin.address', address, () => this.#server.listen(address)));
  }

  /** Status pages hear of what happens from now on. */
  startFeed(): void {
    this.#feed.start();
  }

  stopFeed(): void {
    this.#feed.stop();
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.#guard.close();
  }
}

function lastReload({ lastError, loadedAtMs }: ConfigState) {
  return { successful: lastError === null, succeededAtMs: loadedAtMs };
}

function* liveSessions(registry: SessionRegistry): Generator<LiveSession> {
  for (const { route, client, upstream } of registry.sessions) {
    yield { route, client: client.inbound, upstream: upstream.inbound };
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
