/**
 * Everything that belongs to the routes of an API: their table, the listener that changes it, and the file that keeps
 * it.
 */

import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { isLocal } from '../../config/language/addresses.ts';
import { readFiles } from '../../config/live/read.ts';
import type { ListenAddress, RoutesApi, TlsTerms } from '../../config/types.ts';
import type { Log } from '../../observe/log/log.ts';
import type { HubCounters } from '../../observe/metrics/counters.ts';
import { type ApiRoute, ApiRoutes, type JudgeTarget } from '../../routes/api-routes.ts';
import { ApiGuard } from './guard.ts';
import { HubCheck } from './hub-check.ts';
import { RoutesApiServer } from './server.ts';
import { StateFile } from './state-file.ts';
import { apiTlsPaths, judgeApiTls } from './tls.ts';
import { type ApiToken, apiToken, tokenVariable } from './token.ts';

export interface RoutesApiPortParts {
  readonly config: RoutesApi;
  readonly log: Log;
  readonly judge: JudgeTarget;
  /** The token in the environment. */
  readonly environmentToken: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly noteActivity: () => void;
  readonly hasRoom: () => boolean;
  readonly counters: HubCounters;
  readonly tlsTerms: TlsTerms;
  /** How TLS with the hub is made sure of. */
  readonly secureHub: () => Promise<ConnectionOptions>;
  readonly added: (route: ApiRoute) => void;
  readonly removed: (route: ApiRoute) => void;
}

/** As long as a head may take. */
const handshakeTimeout = 10_000;

export class RoutesApiPort {
  readonly routes: ApiRoutes;
  /**
   * Requests that were let in, and when the last of them came. Before the first it is when the port began to listen: a
   * hub that never comes is silent from then on.
   */
  readonly heard = { requests: 0, lastAtMs: 0 };
  readonly #parts: RoutesApiPortParts;
  readonly #token: ApiToken | null;
  readonly #state: StateFile | null;
  readonly #check: HubCheck | null;
  /** Routes that the hub's last check found missing here, or otherwise; `null` before the first. */
  #differing: number | null = null;
  #server: RoutesApiServer | null = null;
  /** What its files held when they were judged; `null` without TLS. */
  #tls: TlsOptions | null = null;

  constructor(parts: RoutesApiPortParts) {
    const { config, log, judge, environmentToken } = parts;
    this.#parts = parts;
    this.routes = new ApiRoutes(config.hosts, judge);
    this.#token = apiToken(config.tokenFile, environmentToken);
    this.#state = config.stateFile === null ? null : new StateFile(config.stateFile, this.routes, log);
    this.#check =
      config.hubApi === null
        ? null
        : new HubCheck({
            url: config.hubApi,
            log,
            token: async () => (await this.#token?.read()) ?? null,
            secure: parts.secureHub,
            routes: () => this.routes.size,
          });
  }

  /** Reads its files; what keeps it from listening, in words, `null` for nothing. */
  async problem(): Promise<string | null> {
    const { address, tls } = this.#parts.config;
    const judged = tls && judgeApiTls(await readFiles(apiTlsPaths(tls)));
    if (judged !== null && 'problem' in judged) return judged.problem;
    this.#tls = judged?.value ?? null;
    if (this.#token !== null) {
      await this.#token.refresh();
      return this.#token.problem();
    }
    if (isLocal(address)) return null;
    return `routes_api.address is reached from other machines, and there is no token; set ${tokenVariable}, or routes_api.token_file`;
  }

  /** Fills the table from its file: then requests may come. */
  async load(): Promise<void> {
    const { added, removed, now } = this.#parts;
    this.routes.listener = { added, removed, changed: () => {} };
    await this.#state?.load(now());
    this.routes.listener = { added, removed, changed: () => this.#state?.changed() };
  }

  /**
   * Listens, where `problem` has found none; rejects with the system's error where it cannot. Returns the port, 0 for a
   * unix socket.
   */
  async listen(address: ListenAddress): Promise<number> {
    const { log, now, noteActivity, hasRoom, tlsTerms, counters } = this.#parts;
    if (this.#token === null) {
      log.tell('routes_api_open', {});
    }
    this.#server = new RoutesApiServer({
      routes: this.routes,
      guard: new ApiGuard({ address, token: this.#token, log }),
      log,
      tls: this.#tls && { handshakeTimeout, ...this.#tls, ...tlsTerms },
      now,
      noteActivity,
      hasRoom,
      counters,
      heard: () => {
        this.heard.requests++;
        this.heard.lastAtMs = now();
      },
      checked: (differing) => {
        this.#differing = differing;
        this.#check?.checked(differing);
      },
    });
    const port = await this.#server.listen(address);
    this.heard.lastAtMs ||= now();
    void this.#check?.run();
    return port;
  }

  /** `complete`, or why the table may lack routes, in words. */
  get state(): string {
    return this.#check?.state ?? 'complete';
  }

  get differing(): number | null {
    return this.#differing;
  }

  async close(): Promise<void> {
    this.#check?.close();
    await this.#server?.close();
    await this.#state?.close();
  }
}
