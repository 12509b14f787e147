/** What `routes_api` brings: the port where a hub sets routes, their templates, and the hub's pages for 404 and 503. */
import type { ConnectionOptions } from 'node:tls';
import { RoutesApiPort } from '../admin/routes-api/port.ts';
import type { UpstreamTrust } from '../config/live/upstream-trust.ts';
import type { RoutesApi, TlsTerms } from '../config/types.ts';
import { ErrorPages } from '../front/error-pages.ts';
import { HubRoutes } from '../front/hub-routes.ts';
import type { LastingRoutes } from '../front/lasting.ts';
import { clean } from '../observe/log/clean.ts';
import type { Log } from '../observe/log/log.ts';
import { Summary } from '../observe/log/summary.ts';
import type { RoutesApiReading } from '../observe/metrics/source.ts';
import type { AllowedTargets } from '../upstream/allowed-targets.ts';

export interface HubSideParts {
  readonly log: Log;
  /** The token of the API, where the configuration names no file. */
  readonly apiToken: string | undefined;
  /** How TLS is spoken with whoever sets routes. */
  readonly tlsTerms: TlsTerms;
  /** The time by which the use of routes is told; milliseconds since 1970. */
  readonly now: () => number;
  readonly targets: AllowedTargets;
  readonly trust: UpstreamTrust;
  readonly lasting: LastingRoutes;
  /** Whoever has noticed use of a route tells it now. */
  readonly noteActivity: () => void;
  /** Whether a connection to the API that has been accepted may stay. */
  readonly hasRoom: () => boolean;
  /** Whether so many files more may be opened although nobody makes room for them. */
  readonly spares: (more: number) => boolean;
}

export class HubSide {
  readonly routes: HubRoutes;
  readonly port: RoutesApiPort;
  /** `null` where Sluice writes its own. */
  readonly pages: ErrorPages | null;
  readonly #trust: UpstreamTrust;
  #pageFailures = 0;

  constructor(config: RoutesApi, parts: HubSideParts) {
    const { log, apiToken, tlsTerms, now, targets, noteActivity, hasRoom, spares } = parts;
    this.#trust = parts.trust;
    this.routes = new HubRoutes(config, now, parts.lasting);
    const secureHub = () => this.#secureHub(config);
    this.port = new RoutesApiPort({
      config,
      log,
      environmentToken: apiToken,
      tlsTerms,
      now,
      judge: ({ upstream }) => {
        const problem = targets.refuse(upstream);
        return problem === null ? null : { problem };
      },
      noteActivity,
      hasRoom,
      counters: parts.lasting.counters.hub,
      secureHub,
      added: (route) => this.routes.added(route),
      removed: (route) => this.routes.removed(route),
    });
    const failures = new Summary<string>((count, problem) =>
      log.tell('error_page_failed', { count, detail: clean(problem) }),
    );
    const failed = (problem: string) => {
      this.#pageFailures++;
      failures.add(problem);
    };
    this.pages = config.errors && new ErrorPages(config.errors, { failed, spares, secure: secureHub });
  }

  /** What metrics show of it. */
  get reading(): RoutesApiReading {
    const { routes, heard, differing } = this.port;
    const { requests, lastAtMs } = heard;
    return { routes: routes.size, requests, lastRequestAtMs: lastAtMs, pageFailures: this.#pageFailures, differing };
  }

  /** How TLS with the hub itself is made sure of: as its routes have it. */
  async #secureHub({ templates }: RoutesApi): Promise<ConnectionOptions> {
    const hub = templates.find(({ kind }) => kind === 'hub')!.route.upstreamTls;
    const trust = await this.#trust.of(hub);
    if ('problem' in trust) throw new Error(trust.problem);
    return { secureContext: trust.context, rejectUnauthorized: !hub.insecureSkipVerify };
  }
}
