/**
 * The composition root: one gateway from one configuration. Requests flow one way: listener, routing, admission,
 * handshake, relay (or the HTTP forwarder), outcome.
 */
import { Authentication } from './admission/auth/authentication.ts';
import { RouteRates } from './admission/rates.ts';
import { type SocketAccess, withPort } from './bind.ts';
import { Certificate } from './config/live/certificate.ts';
import { CurrentConfig } from './config/live/current.ts';
import type { ConfigState } from './config/live/state.ts';
import { UpstreamTrust } from './config/live/upstream-trust.ts';
import { schemaFiles, WatchedFiles } from './config/live/watched-files.ts';
import type { Loaded } from './config/model/load.ts';
import type { Resolved } from './config/model/resolved.ts';
import {
  type Config,
  type ListenAddress,
  labelledRoutes,
  type QuotaStoreConfig,
  type TlsTerms,
} from './config/types.ts';
import { Drain, type DrainCause, type DrainCounts, type DrainState } from './drain/drain.ts';
import { HttpForwarder } from './front/careful/forwarder.ts';
import { compileEdge, type Edge } from './front/edge.ts';
import { Front } from './front/front.ts';
import { LastingRoutes } from './front/lasting.ts';
import { Recorder } from './front/recorder.ts';
import { SchemaThread } from './gateway/compile-aside.ts';
import { HubSide } from './gateway/hub-side.ts';
import { listenAt } from './gateway/listen-failure.ts';
import { containerBytes, memoryBound } from './gateway/memory-bound.ts';
import { type AdminShows, Operators } from './gateway/operators.ts';
import { type Log, type LogSubject, logViolation } from './observe/log/log.ts';
import type { Renderer } from './observe/metrics/prometheus.ts';
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
  /** What the admin port shows; everything unless given. */
  readonly admin?: AdminShows;
  /** Who may connect where the public port is a unix socket: Sluice's group unless given. */
  readonly socketAccess?: SocketAccess;
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
  readonly #operators: Operators;
  /** `null` where no program sets routes. */
  readonly #hub: HubSide | null;
  readonly #now: () => number;
  readonly #socketAccess: SocketAccess;
  /** Where this process listens: no route of an API may lead there. */
  #own: readonly ListenAddress[] = [];
  readonly #onDrained: (counts: DrainCounts) => void;
  #edge: Edge;
  #certificate: Certificate | null = null;
  #drain: Drain<Session> | null = null;

  constructor(config: Config, parts: GatewayParts) {
    const { log, resolved = null, lookup = systemLookup, admin: shows = 'everything', now = Date.now } = parts;
    this.#log = log;
    this.#now = now;
    // A proxy in front runs as another user, in Sluice's group.
    this.#socketAccess = parts.socketAccess ?? 'group';
    const { routesApi } = config;
    const targets = new AllowedTargets(routesApi?.targets ?? null, new OwnAddresses(() => this.#own));
    log.configure(config.log);
    this.#trust = new UpstreamTrust(log);
    const connector = new Connector({
      lookup,
      admit: (begun) => this.#front.port.admitsDial(begun),
      trust: (tls) => this.#trust.of(tls),
      // The admin port forwards nothing: a route of the configuration may lead there.
      own: new OwnAddresses(() => this.#own.slice(0, 1)),
      forbidden: (target, address) => targets.refuseAddress(target, address),
    });
    this.#current = new CurrentConfig(config, resolved, log);
    const { promise, resolve } = Promise.withResolvers<DrainCounts>();
    this.drained = promise;
    this.#onDrained = resolve;
    const state = () => ({ configHash: this.#current.config.hash, draining: this.#drain !== null });
    const events: RegistryEvents = {
      onViolation: (session, violation) => {
        logViolation(log, subjectOf(session), violation);
        this.#operators.violations.addOfConnection(labelled(session), violation, 1, performance.now());
      },
      onFurtherViolations: (session, violation, times) =>
        this.#operators.violations.addOfConnection(labelled(session), violation, times, performance.now()),
      onEnd: (session, report) => {
        const { counters } = session;
        recorder.ended({ subject: subjectOf(session), counters, report, state: state() });
        this.#drain?.ended(session, report);
      },
    };
    const schemas = new WatchedFiles(log, schemaFiles);
    this.#schemas = new Schemas(schemas, new SchemaThread().compile);
    const rules: RulesOf = (route, sender) => this.#schemas.rulesOf(route, sender);
    this.sessions = new SessionRegistry(events, this.#memoryBound(config), systemClock, rules);
    const { budget } = this.sessions.memory;
    const authFiles = new WatchedFiles(log);
    this.#authentication = new Authentication({
      log,
      files: authFiles,
      asker: (service, timeoutMs) => createAsker(service, timeoutMs, connector),
      memory: budget,
    });
    const rejected = (rejection: Rejection) => {
      const route = this.#edge.byName.get(rejection.route)?.label ?? rejection.route;
      this.#operators.violations.addRejection({ ...rejection, route }, performance.now());
    };
    const recorder = new Recorder({
      log,
      rejected,
      unrouted: () => this.#edge.unrouted,
      hub: routesApi === null ? null : this.counters.hub,
    });
    this.#forwarder = new HttpForwarder({
      recorder,
      memory: budget,
      relayMemory: this.sessions.memory,
      holders: this.sessions,
      kernelQueue: (socket) => kernelQueue(socket, performance.now()),
      pages: () => this.#hub?.pages ?? null,
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
    const noteActivity = () => this.#noteActivity();
    const hasRoom = () => this.#front.port.admitsOperator();
    this.#hub =
      routesApi &&
      new HubSide(routesApi, {
        log,
        apiToken: parts.apiToken,
        tlsTerms: parts.tlsTerms ?? {},
        now,
        targets,
        trust: this.#trust,
        lasting: this.#lasting,
        noteActivity,
        hasRoom,
        spares: (more) => this.#front.port.spares(more),
      });
    this.#edge = this.#compile(config);
    this.#front = new Front({
      edge: () => this.#edge,
      tls: config.listen.tls !== null,
      containerBytes: containerBytes(),
      forwarder: this.#forwarder,
      log,
      memory: budget,
      relayMemory: this.sessions.memory,
      holders: this.sessions,
      upstreams: this.#lasting,
      open: (init) => {
        try {
          recorder.opened(init);
          // It may have begun under an older configuration.
          const route = this.#edge.byName.get(init.route.name) ?? init.route;
          const session = this.sessions.open({ ...init, route });
          this.#drain?.opened(session);
        } catch (error) {
          // Nobody else has the sockets any more.
          for (const { socket } of [init.client, init.upstream]) socket.destroy();
          init.release();
          throw error;
        }
      },
      recorder,
      pages: () => this.#hub?.pages ?? null,
      ...(parts.keepAliveMs === undefined ? {} : { keepAliveMs: parts.keepAliveMs }),
      ...(parts.tlsTerms === undefined ? {} : { tlsTerms: parts.tlsTerms }),
    });
    this.#operators = new Operators({
      shows,
      log,
      current: this.#current,
      counters: this.counters,
      sessions: this.sessions,
      hub: this.#hub,
      quotas: this.#quotas,
      drain: { start: () => void this.drain({ cause: 'api' }), state: () => this.drainState },
      rejectedFiles: () =>
        [authFiles, schemas, this.#quotaFiles, this.#trust].reduce((sum, { rejected }) => sum + rejected, 0) +
        Number(this.#certificate?.isRejected ?? false),
      accepting: () => this.#front.port.accepting(),
      hasRoom,
      findRoute: (host, path) => this.#edge.routes.find(host, path),
      noteActivity,
    });
    this.renderMetrics = this.#operators.renderMetrics;
  }

  /** How many status pages are open. */
  get watchers(): number {
    return this.#operators.watchers;
  }

  /** Whether a connection of a client to another port than the public one may stay. */
  get hasRoom(): boolean {
    return this.#front.port.admitsDial(0);
  }

  /**
   * Has the root lead to a target until a program sets it: one that a program has set stays, as a file kept it. Returns
   * the reason why not, or `null`.
   */
  setDefaultTarget(target: string): string | null {
    return this.#hub?.port.routes.setDefault(target, this.#now())?.problem ?? null;
  }

  /** The configuration in force, and what is wrong with the files if they do not hold. */
  configState(): ConfigState {
    return this.#current.state;
  }

  /**
   * Reads the files of users, tokens, keys and schemas that a loaded configuration names, before it is put in force:
   * one that cannot be used is an error of the configuration.
   */
  async prepare(loaded: Loaded): Promise<Loaded> {
    if ('errors' in loaded) return loaded;
    const { config } = loaded;
    const problems = [
      ...(await this.#authentication.prepare(config)),
      ...(await this.#schemas.prepare(labelledRoutes(config))),
    ];
    if (problems.length === 0) return loaded;
    const [file = ''] = config.files;
    return { errors: problems.map((message) => ({ file, line: 0, column: 0, path: '', message })) };
  }

  /**
   * Puts another configuration in force, or keeps the present one where it has errors. Connections live on: under the
   * new limits from their next messages, or under their last ones if their route is gone.
   */
  reload(loaded: Loaded): boolean {
    return this.#current.replace(loaded, (config) => {
      this.#log.configure(config.log);
      if (config.routesApi !== null) this.#hub?.routes.reconfigure(config.routesApi);
      this.#edge = this.#compile(config);
      this.#lasting.keepOnly(labelledRoutes(config));
      this.#front.port.reconfigure();
      this.#boundMemory(config);
      for (const following of [
        config.listen.tls === null ? undefined : this.#certificate?.follow(config.listen.tls),
        this.#trust.follow(config),
        this.#authentication.follow(config),
        this.#schemas.follow(labelledRoutes(config)),
      ]) {
        following?.catch((error) => this.#log.tell('config_reload_bug', { err: error }));
      }
      for (const session of this.sessions.sessions) {
        const route = this.#edge.byName.get(session.routeName);
        if (route) session.reconfigure(route);
      }
      this.#drain?.reconfigure(labelledRoutes(config));
    });
  }

  /**
   * Listens; rejects with a `ListenFailure` where an address cannot be had, or with `ERR_ADMIN_TOKEN` where the
   * admin port has no usable token, with `ERR_LISTEN_TLS` or `ERR_UPSTREAM_TLS` where a certificate cannot be used,
   * with `ERR_AUTH_FILE` where a file of users, tokens or keys cannot, with `ERR_SCHEMA_FILE` where a JSON Schema
   * cannot, with `ERR_QUOTAS_FILE` where the password of the store cannot be read, with `ERR_ROUTES_API` where nobody
   * could be kept from setting routes; and then listens nowhere.
   */
  async start(): Promise<GatewayAddresses> {
    const { config } = this.#current;
    const { listen, routesApi } = config;
    failOn('ERR_ADMIN_TOKEN', await this.#operators.problem());
    failOn('ERR_ROUTES_API', await this.#hub?.port.problem());
    failOn('ERR_UPSTREAM_TLS', await this.#trust.follow(config));
    failOn('ERR_AUTH_FILE', await this.#authentication.follow(config));
    failOn('ERR_SCHEMA_FILE', await this.#schemas.follow(labelledRoutes(config)));
    failOn('ERR_QUOTAS_FILE', await this.#quotaFiles.follow(quotaFilesOf(config.quotas, () => this.#quotas?.retry())));
    if (listen.tls !== null) {
      const opened = await Certificate.open(listen.tls, this.#log, (credentials) =>
        this.#front.port.secure(credentials),
      );
      if ('problem' in opened) throw startError('ERR_LISTEN_TLS', opened.problem);
      this.#certificate = opened.value;
    }
    const adminAddress = await this.#operators.listen();
    try {
      // The table is whole before anybody asks.
      await this.#hub?.port.load();
      // Nobody is let in by this pod's own count alone, unless the store is gone.
      await this.#quotas?.start();
      const routesApiAddress =
        routesApi &&
        (await at('routes_api.address', routesApi.address, () => this.#hub!.port.listen(routesApi.address)));
      const address = await at('listen.address', listen.address, () =>
        this.#front.port.listen(listen.address, this.#socketAccess),
      );
      this.#own = [address, adminAddress, routesApiAddress].filter((own) => own !== null);
      this.#operators.startFeed();
      return { address, adminAddress, routesApiAddress };
    } catch (error) {
      await this.#hub?.port.close();
      this.#closeQuotas();
      await this.#operators.close();
      throw error;
    }
  }

  #compile(config: Config): Edge {
    return compileEdge(config, this.#lasting, this.#hub?.routes ?? null);
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

  /** Sends everybody away within a second, because a mistake of Sluice's own ends the process. */
  abandon(): Promise<unknown> {
    const over = this.stop();
    this.hasten();
    return over;
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
    this.#operators.stopFeed();
    await this.#hub?.port.close();
    this.#lasting.close();
    this.#certificate?.close();
    this.#trust.close();
    this.#authentication.close();
    this.#schemas.close();
    this.#closeQuotas();
    await this.#operators.close();
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

function subjectOf({ id, routeName, facts }: Session): LogSubject {
  return { id, route: routeName, facts };
}

/** Counted with the route whose preset brought its own. */
function labelled({ id, route, facts }: Session): LogSubject {
  return { id, route: route.label, facts };
}

/** Listens on the address of a key, and returns it with the port that it really has. */
async function at(key: string, address: ListenAddress, listen: () => Promise<number>): Promise<ListenAddress> {
  return withPort(address, await listenAt(key, address, listen));
}

/** Ends a start that cannot use something; the code says what. */
function failOn(code: string, problems: string | readonly string[] | null | undefined): void {
  const words = typeof problems === 'string' ? problems : (problems ?? []).join('\n');
  if (words !== '') throw startError(code, words);
}

function startError(code: string, words: string): Error {
  return Object.assign(new Error(words), { code });
}
