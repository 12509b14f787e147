/**
 * The composition root: one gateway from one configuration. Requests flow one way: listener, routing, admission,
 * handshake, relay (or the HTTP forwarder), outcome.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { apiEndpoints } from './admin/api/endpoints.ts';
import { Feed } from './admin/feed.ts';
import { Guard } from './admin/guard.ts';
import { pageEndpoints } from './admin/page-files.ts';
import { probeEndpoints } from './admin/probes.ts';
import { RoutesApiPort } from './admin/routes-api/port.ts';
import { Scrapes } from './admin/scrapes.ts';
import { AdminServer } from './admin/server.ts';
import { ViolationLog } from './admin/violations.ts';
import { Authentication } from './admission/auth/authentication.ts';
import { RouteRates } from './admission/rates.ts';
import { Certificate } from './config/live/certificate.ts';
import { CurrentConfig } from './config/live/current.ts';
import type { ConfigState } from './config/live/state.ts';
import { UpstreamTrust } from './config/live/upstream-trust.ts';
import { schemaFiles, WatchedFiles } from './config/live/watched-files.ts';
import type { Loaded } from './config/model/load.ts';
import { defaultMaxBuffered } from './config/model/memory.ts';
import type { Resolved } from './config/model/resolved.ts';
import {
  type Config,
  type ListenAddress,
  labelledRoutes,
  type QuotaStoreConfig,
  type RoutesApi,
  type TlsTerms,
} from './config/types.ts';
import { Drain, type DrainCause, type DrainCounts, type DrainState } from './drain/drain.ts';
import { HttpForwarder } from './front/careful/forwarder.ts';
import { compileEdge, type Edge } from './front/edge.ts';
import { ErrorPages } from './front/error-pages.ts';
import { Front } from './front/front.ts';
import { HubRoutes } from './front/hub-routes.ts';
import { LastingRoutes } from './front/lasting.ts';
import { Recorder } from './front/recorder.ts';
import { Summary } from './front/summary.ts';
import { clean } from './observe/log/clean.ts';
import { type Log, type LogSubject, logViolation } from './observe/log/log.ts';
import { tally } from './observe/metrics/counters.ts';
import { createRenderer, type Renderer } from './observe/metrics/prometheus.ts';
import type { LiveSession, RoutesApiReading } from './observe/metrics/source.ts';
import { CounterStore } from './observe/metrics/store.ts';
import type { Rejection } from './observe/report.ts';
import { openQuotas } from './quotas/open.ts';
import { passwordOf, quotaFilesOf } from './quotas/password.ts';
import type { SharedQuotas } from './quotas/shared-quotas.ts';
import { type RegistryEvents, SessionRegistry } from './relay/registry.ts';
import type { RulesOf, Session } from './relay/session.ts';
import { systemClock } from './relay/system-clock.ts';
import { kernelQueue } from './relay/transport/kernel-queue.ts';
import { type Lookup, systemLookup } from './upstream/addresses.ts';
import { AllowedTargets } from './upstream/allowed-targets.ts';
import { createAsker } from './upstream/asker.ts';
import { Connector } from './upstream/connect.ts';
import { OwnAddresses } from './upstream/own-addresses.ts';
import { Schemas } from './validation/schemas.ts';

/** Where a started gateway listens, with the ports it really has. */
export interface GatewayAddresses {
  readonly address: ListenAddress;
  /** `null` where it does not listen. */
  readonly adminAddress: ListenAddress | null;
  /** Where a program sets routes; `null` where there is no such place. */
  readonly routesApiAddress: ListenAddress | null;
}

export interface GatewayParts {
  readonly log: Log;
  /** Where the configuration's values come from, if it came from files. */
  readonly resolved?: Resolved | null;
  /** Finds the addresses of upstreams; the system unless given. */
  readonly lookup?: Lookup;
  /** The token of the API of routes, where the configuration names no file. */
  readonly apiToken?: string | undefined;
  /**
   * What the admin port shows: everything, at the address of the configuration; metrics and probes alone, at another;
   * or nothing, and then it does not listen.
   */
  readonly admin?: 'everything' | 'nothing' | { readonly metricsAt: ListenAddress };
  /** How long a client's connection may be idle between two requests. */
  readonly keepAliveMs?: number;
  /** How TLS is spoken with clients, and with whoever sets routes. */
  readonly tlsTerms?: TlsTerms;
  /** The time by which the use of an API's routes is told; milliseconds since 1970. */
  readonly now?: () => number;
}

/** How a drain is asked for. */
export interface DrainRequest {
  readonly cause: DrainCause;
  /** Whether to go on accepting for `drain.announce`, while load balancers learn of it; yes unless given. */
  readonly announce?: boolean;
}

/** A gateway that is not started yet. */
export function createGateway(config: Config, parts: GatewayParts): Gateway {
  return new Gateway(config, parts);
}

export class Gateway {
  readonly counters = new CounterStore();
  readonly sessions: SessionRegistry;
  /** Resolves when a drain, however it began, has ended and nothing listens any more. */
  readonly drained: Promise<DrainCounts>;
  /** Renders all metrics as they are now. */
  readonly renderMetrics: Renderer;
  readonly #log: Log;
  readonly #current: CurrentConfig;
  readonly #trust: UpstreamTrust;
  readonly #authentication: Authentication;
  readonly #schemas: Schemas;
  readonly #quotas: SharedQuotas | null;
  readonly #quotaFiles: WatchedFiles;
  readonly #lasting: LastingRoutes;
  readonly #forwarder: HttpForwarder;
  readonly #front: Front;
  readonly #admin: AdminServer;
  readonly #adminShows: NonNullable<GatewayParts['admin']>;
  readonly #api: RoutesApiPort | null;
  readonly #hub: HubRoutes | null;
  readonly #pages: ErrorPages | null;
  readonly #now: () => number;
  /** Where this process listens: no route of an API may lead there. */
  #own: readonly ListenAddress[] = [];
  #pageProblem = '';
  #pageFailures = 0;
  readonly #violations = new ViolationLog();
  readonly #guard: Guard;
  readonly #onDrained: (counts: DrainCounts) => void;
  #edge: Edge;
  #certificate: Certificate | null = null;
  #drain: Drain<Session> | null = null;
  readonly #feed: Feed;

  constructor(config: Config, parts: GatewayParts) {
    const { log, resolved = null, lookup = systemLookup, admin: shows = 'everything', now = Date.now } = parts;
    this.#log = log;
    this.#adminShows = shows;
    this.#now = now;
    const { routesApi } = config;
    const targets = new AllowedTargets(routesApi?.targets ?? null, new OwnAddresses(() => this.#own));
    log.configure(config.log);
    this.#trust = new UpstreamTrust(log);
    const connector = new Connector({
      lookup,
      admit: (begun) => this.#front.admitsDial(begun),
      trust: (tls) => this.#trust.of(tls),
      // The admin port forwards nothing: a route of the configuration may lead there.
      own: new OwnAddresses(() => this.#own.slice(0, 1)),
      forbidden: (target, address) => targets.refuseAddress(target, address),
    });
    this.#current = new CurrentConfig(config, resolved, log);
    const { promise, resolve } = Promise.withResolvers<DrainCounts>();
    this.drained = promise;
    this.#onDrained = resolve;
    const draining = () => this.#drain !== null;
    const state = () => ({ configHash: this.#current.config.hash, draining: draining() });
    const events: RegistryEvents = {
      onViolation: (session, violation) => {
        logViolation(log, subjectOf(session), violation);
        this.#violations.addOfConnection(labelled(session), violation, 1, Date.now());
      },
      onFurtherViolations: (session, violation, times) =>
        this.#violations.addOfConnection(labelled(session), violation, times, Date.now()),
      onEnd: (session, report) => {
        const { counters } = session;
        recorder.ended({ subject: subjectOf(session), counters, report, state: state() });
        this.#drain?.ended(session, report);
      },
    };
    this.#schemas = new Schemas(new WatchedFiles(log, schemaFiles));
    const rules: RulesOf = (route, sender) => this.#schemas.rulesOf(route, sender);
    this.sessions = new SessionRegistry(events, this.#memoryBound(config), systemClock, rules);
    const { budget } = this.sessions.memory;
    this.#authentication = new Authentication({
      log,
      files: new WatchedFiles(log),
      asker: (service, timeoutMs) => createAsker(service, timeoutMs, connector),
      memory: budget,
    });
    const rejected = (rejection: Rejection) => {
      const route = this.#edge.byName.get(rejection.route)?.label ?? rejection.route;
      this.#violations.addRejection({ ...rejection, route }, Date.now());
    };
    const recorder = new Recorder({ log, rejected, unrouted: () => this.#edge.unrouted });
    this.#forwarder = new HttpForwarder({
      recorder,
      memory: budget,
      relayMemory: this.sessions.memory,
      holders: this.sessions,
      kernelQueue: (socket) => kernelQueue(socket, performance.now()),
      pages: () => this.#pages,
    });
    this.#quotaFiles = new WatchedFiles(log);
    this.#quotas = config.quotas && this.#openQuotas(config.quotas, connector);
    this.#lasting = new LastingRoutes(this.counters, connector, {
      memory: budget,
      refusesHandshakes: () => this.#front.refusesHandshakes,
      rates: new RouteRates(),
      reported: (visit, detail) => recorder.reported(visit, detail),
      authenticate: (route) => this.#authentication.stepOf(route),
      quotas: this.#quotas,
    });
    this.#hub = routesApi && new HubRoutes(routesApi, now, this.#lasting);
    this.#api = routesApi && this.#makeApi(routesApi, parts, targets);
    this.#pages = routesApi?.errors ? this.#makePages(routesApi) : null;
    this.#edge = this.#compile(config);
    this.#front = new Front({
      edge: () => this.#edge,
      tls: config.listen.tls !== null,
      forwarder: this.#forwarder,
      log,
      memory: budget,
      relayMemory: this.sessions.memory,
      holders: this.sessions,
      open: (init) => {
        recorder.opened(init);
        // It may have begun under an older configuration.
        const route = this.#edge.byName.get(init.route.name) ?? init.route;
        const session = this.sessions.open({ ...init, route });
        this.#drain?.opened(session);
      },
      recorder,
      pages: () => this.#pages,
      ...(parts.keepAliveMs === undefined ? {} : { keepAliveMs: parts.keepAliveMs }),
      ...(parts.tlsTerms === undefined ? {} : { tlsTerms: parts.tlsTerms }),
    });
    this.#guard = new Guard({
      admin: typeof shows === 'string' ? config.admin : { address: shows.metricsAt, tokenFile: null },
      log,
      count: (reason) => tally(this.counters.adminRefusals, reason),
    });
    const source = {
      config: () => this.#current.config,
      counters: this.counters,
      live: { sessions: () => liveSessions(this.sessions), memory: budget },
      drainDeadlineAtMs: () => this.drainState?.deadlineAtMs ?? null,
      lastReload: () => lastReload(this.#current.state),
      reloads: () => this.#current.reloads,
      logLinesDropped: () => log.dropped,
      routesApi: () => this.#readApi(),
      quotaStore: () => this.#quotas && { isThere: this.#quotas.isThere, counters: this.counters.quotaStore },
      build: { version: packageVersion(), revision: process.env.SLUICE_REVISION ?? '' },
    };
    this.renderMetrics = createRenderer(source);
    const scrapes = new Scrapes(this.renderMetrics);
    this.#feed = new Feed({
      ...source,
      configState: () => this.#current.state,
      drain: () => this.drainState,
      violations: this.#violations,
    });
    const api = apiEndpoints({
      config: () => this.#current.state,
      sessions: () => this.sessions.sessions,
      countersOf: (label) => this.counters.read(label),
      findRoute: (host, path) => this.#edge.routes.find(host, path),
      noteActivity: () => this.#noteActivity(),
      live: source.live,
      memory: budget,
      drain: { start: () => void this.drain({ cause: 'api' }), state: () => this.drainState },
      build: source.build,
    });
    const probes = probeEndpoints({
      accepting: () => this.#front.accepting(),
      draining,
      routes: () => this.#api?.state ?? 'complete',
      config: () => this.#current.state,
    });
    this.#admin = new AdminServer({
      guard: this.#guard,
      endpoints:
        shows === 'everything'
          ? [...probes, scrapes.endpoint, ...api, ...pageEndpoints(), this.#feed.endpoint]
          : [...probes, scrapes.endpoint],
      log,
    });
  }

  /** How many status pages are open. */
  get watchers(): number {
    return this.#feed.watchers;
  }

  /**
   * Has the root lead to a target until a program sets it: one that a program has set stays, as a file kept it. Returns
   * the reason why not, or `null`.
   */
  setDefaultTarget(target: string): string | null {
    return this.#api?.routes.setDefault(target, this.#now())?.problem ?? null;
  }

  /** The configuration in force, and what is wrong with the files if they do not hold. */
  configState(): ConfigState {
    return this.#current.state;
  }

  /**
   * Reads the schema files that a loaded configuration names, before it is put in force: one that cannot be used is an
   * error of the configuration.
   */
  async prepare(loaded: Loaded): Promise<Loaded> {
    if ('errors' in loaded) return loaded;
    const problems = await this.#schemas.prepare(labelledRoutes(loaded.config));
    if (problems.length === 0) return loaded;
    const [file = ''] = loaded.config.files;
    return { errors: problems.map((message) => ({ file, line: 0, column: 0, path: '', message })) };
  }

  /**
   * Puts another configuration in force, or keeps the present one where it has errors. Connections live on: under the
   * new limits from their next messages, or under their last ones if their route is gone.
   */
  reload(loaded: Loaded): boolean {
    return this.#current.replace(loaded, (config) => {
      this.#log.configure(config.log);
      if (config.routesApi !== null) this.#hub?.reconfigure(config.routesApi);
      this.#edge = this.#compile(config);
      this.#lasting.keepOnly(labelledRoutes(config));
      this.#front.reconfigure();
      this.#boundMemory(config);
      if (config.listen.tls !== null) void this.#certificate?.follow(config.listen.tls);
      void this.#trust.follow(config);
      void this.#authentication.follow(config);
      void this.#schemas.follow(labelledRoutes(config));
      for (const session of this.sessions.sessions) {
        const route = this.#edge.byName.get(session.routeName);
        if (route) session.reconfigure(route);
      }
      this.#drain?.reconfigure(labelledRoutes(config));
    });
  }

  /**
   * Listens; rejects with the system's error where an address cannot be had, or with `ERR_ADMIN_TOKEN` where the
   * admin port has no usable token, with `ERR_LISTEN_TLS` or `ERR_UPSTREAM_TLS` where a certificate cannot be used,
   * with `ERR_AUTH_FILE` where a file of users, tokens or keys cannot, with `ERR_SCHEMA_FILE` where a JSON Schema
   * cannot, with `ERR_QUOTAS_FILE` where the password of the store cannot be read, with `ERR_ROUTES_API` where nobody
   * could be kept from setting routes; and then listens nowhere.
   */
  async start(): Promise<GatewayAddresses> {
    const { config } = this.#current;
    const { listen, admin, routesApi } = config;
    const trouble = await this.#guard.problem();
    if (trouble !== null) throw Object.assign(new Error(trouble), { code: 'ERR_ADMIN_TOKEN' });
    const refused = (await this.#api?.problem()) ?? null;
    if (refused !== null) throw Object.assign(new Error(refused), { code: 'ERR_ROUTES_API' });
    const problems = await this.#trust.follow(config);
    if (problems.length > 0) throw Object.assign(new Error(problems.join('\n')), { code: 'ERR_UPSTREAM_TLS' });
    const unusable = await this.#authentication.follow(this.#current.config);
    if (unusable.length > 0) throw Object.assign(new Error(unusable.join('\n')), { code: 'ERR_AUTH_FILE' });
    const unfit = await this.#schemas.follow(labelledRoutes(config));
    if (unfit.length > 0) throw Object.assign(new Error(unfit.join('\n')), { code: 'ERR_SCHEMA_FILE' });
    const absent = await this.#quotaFiles.follow(quotaFilesOf(config.quotas, () => this.#quotas?.retry()));
    if (absent.length > 0) throw Object.assign(new Error(absent.join('\n')), { code: 'ERR_QUOTAS_FILE' });
    if (listen.tls !== null) {
      const opened = await Certificate.open(listen.tls, this.#log, (credentials) => this.#front.secure(credentials));
      if ('problem' in opened) throw Object.assign(new Error(opened.problem), { code: 'ERR_LISTEN_TLS' });
      this.#certificate = opened.value;
    }
    const shows = this.#adminShows;
    const adminAt = shows === 'nothing' ? null : shows === 'everything' ? admin.address : shows.metricsAt;
    const adminAddress = adminAt && withPort(adminAt, await this.#admin.listen(adminAt));
    try {
      // The table is whole before anybody asks.
      await this.#api?.load();
      // Nobody is let in by this pod's own count alone, unless the store is gone.
      await this.#quotas?.start();
      const routesApiAddress = routesApi && withPort(routesApi.address, await this.#api!.listen(routesApi.address));
      const address = withPort(listen.address, await this.#front.listen(listen.address));
      this.#own = [address, adminAddress, routesApiAddress].filter((own) => own !== null);
      this.#feed.start();
      return { address, adminAddress, routesApiAddress };
    } catch (error) {
      await this.#api?.close();
      this.#closeQuotas();
      await this.#admin.close();
      throw error;
    }
  }

  #compile(config: Config): Edge {
    return compileEdge(config, this.#lasting, this.#hub);
  }

  #makeApi(config: RoutesApi, { log, apiToken, tlsTerms = {} }: GatewayParts, targets: AllowedTargets): RoutesApiPort {
    return new RoutesApiPort({
      config,
      log,
      environmentToken: apiToken,
      tlsTerms,
      now: this.#now,
      judge: ({ upstream }) => {
        const problem = targets.refuse(upstream);
        return problem === null ? null : { problem };
      },
      noteActivity: () => this.#noteActivity(),
      secureHub: () => this.#secureHub(config),
      added: (route) => this.#hub!.added(route),
      removed: (route) => this.#hub!.removed(route),
    });
  }

  /** Whoever has noticed use of an API's route tells it now. */
  #noteActivity(): void {
    for (const session of this.sessions.sessions) session.noteUse();
  }

  #openQuotas(config: QuotaStoreConfig, connector: Connector): SharedQuotas {
    return openQuotas(config, {
      log: this.#log,
      connector,
      counters: this.counters.quotaStore,
      password: () => passwordOf(config, this.#quotaFiles),
    });
  }

  #closeQuotas(): void {
    this.#quotas?.close();
    this.#quotaFiles.close();
  }

  #readApi(): RoutesApiReading | null {
    if (this.#api === null) return null;
    const { routes, heard, differing } = this.#api;
    const { requests, lastAtMs } = heard;
    return { routes: routes.size, requests, lastRequestAtMs: lastAtMs, pageFailures: this.#pageFailures, differing };
  }

  #makePages(routesApi: RoutesApi): ErrorPages {
    const summary = new Summary((count) =>
      this.#log.tell('error_page_failed', { count, detail: clean(this.#pageProblem) }),
    );
    const failed = (detail: string) => {
      this.#pageProblem = detail;
      this.#pageFailures++;
      summary.add();
    };
    return new ErrorPages(routesApi.errors!, failed, () => this.#secureHub(routesApi));
  }

  /** How TLS with the hub itself is made sure of: as its routes have it. */
  async #secureHub({ templates }: RoutesApi): Promise<ConnectionOptions> {
    const hub = templates.find(({ kind }) => kind === 'hub')!.route.upstreamTls;
    const trust = await this.#trust.of(hub);
    if ('problem' in trust) throw new Error(trust.problem);
    return { secureContext: trust.context, rejectUnauthorized: !hub.insecureSkipVerify };
  }

  /**
   * Takes the gateway away as the configuration says; a second call joins the drain that is running. Resolves when all
   * connections are gone and nothing listens any more.
   */
  drain({ cause, announce = true }: DrainRequest): Promise<DrainCounts> {
    if (this.#drain !== null) {
      this.#drain.join(cause);
      return this.drained;
    }
    const { drain } = this.#current.config;
    const routes = labelledRoutes(this.#current.config);
    const parts = {
      log: this.#log,
      sessions: () => this.sessions.sessions,
      front: this.#front,
      requests: this.#front,
    };
    this.#drain = new Drain(parts, cause, announce ? drain.announceMs : 0, routes);
    void this.#drain.over.then((counts) => this.#end(counts));
    this.#drain.start();
    return this.drained;
  }

  /** Brings a drain to its end: whoever is left hears 1012 now and is cut in a second, or within `ms`. */
  hasten(ms?: number): void {
    this.#drain?.hasten(ms);
  }

  /** The drain that is running or over; `null` before. */
  get drainState(): DrainState | null {
    return this.#drain?.state ?? null;
  }

  /** Drains without announcing it, and drops at once what is left when `signal` is aborted. */
  async stop(signal?: AbortSignal): Promise<void> {
    const drop = () => this.hasten(0);
    void this.drain({ cause: 'stop', announce: false });
    if (signal?.aborted) drop();
    else signal?.addEventListener('abort', drop);
    await this.drained;
    signal?.removeEventListener('abort', drop);
  }

  async #end(counts: DrainCounts): Promise<void> {
    await this.#front.close();
    this.#forwarder.close();
    this.sessions.cutAll();
    await this.sessions.whenEmpty();
    this.#feed.stop();
    await this.#api?.close();
    this.#lasting.close();
    this.#certificate?.close();
    this.#trust.close();
    this.#authentication.close();
    this.#schemas.close();
    this.#closeQuotas();
    await this.#admin.close();
    this.#onDrained(counts);
  }

  #boundMemory(config: Config): void {
    const { budget } = this.sessions.memory;
    if (memoryBound(config).bytes !== budget.limitBytes) budget.limitBytes = this.#memoryBound(config);
  }

  /** What all buffers may hold; says so in the log. */
  #memoryBound(config: Config): number {
    const { bytes, source } = memoryBound(config);
    this.#log.tell('memory_bound', { max_buffered_bytes: bytes, source });
    return bytes;
  }
}

/** What all buffers may hold, and why. */
function memoryBound({ memory, listen }: Config): { readonly bytes: number; readonly source: string } {
  if (memory.maxBufferedBytes !== null) return { bytes: memory.maxBufferedBytes, source: 'memory.max_buffered' };
  const container = process.constrainedMemory();
  const tls = listen.tls !== null;
  const bytes = defaultMaxBuffered(container, totalmem(), tls);
  const isBound = container > 0 && container <= totalmem();
  return {
    bytes,
    source: isBound ? `${tls ? 'an eighth' : 'a quarter'} of the container's ${container} bytes` : 'built in',
  };
}

function subjectOf({ id, routeName, facts }: Session): LogSubject {
  return { id, route: routeName, facts };
}

/** Counted with the route whose preset brought its own. */
function labelled({ id, route, facts }: Session): LogSubject {
  return { id, route: route.label, facts };
}

function lastReload({ lastError, loadedAtMs }: ConfigState) {
  return { successful: lastError === null, succeededAtMs: loadedAtMs };
}

function* liveSessions(registry: SessionRegistry): Generator<LiveSession> {
  for (const { route, client, upstream } of registry.sessions) {
    yield { route, client: client.inbound, upstream: upstream.inbound };
  }
}

function withPort(address: ListenAddress, port: number): ListenAddress {
  return address.kind === 'unix' ? address : { ...address, port };
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
