/** A whole gateway on free ports of loopback, with its log at hand. */
import { formatConfigError } from '../../src/config/language/errors.ts';
import { loadConfig } from '../../src/config/model/load.ts';
import type { Resolved } from '../../src/config/model/resolved.ts';
import { builtInTop } from '../../src/config/model/top-settings.ts';
import type { Config, ListenTls, PairPaths, Route } from '../../src/config/types.ts';
import { createGateway, type Gateway } from '../../src/gateway.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import { type LogLine, LogLines } from './log-lines.ts';
import { loopback, type RouteOverrides, testRoute } from './relay.ts';

export type { LogLine };

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly adminPort: number;
  /** Every line so far. */
  readonly log: readonly LogLine[];
  /** The first line with this event (and these fields) that was not returned before; waits for it. */
  logged(event: string, fields?: Readonly<Record<string, unknown>>): Promise<LogLine>;
  /** What a scrape would render now; `/metrics` itself may be a second old. */
  metrics(): Promise<string>;
}

export interface GatewayOptions {
  readonly routes: readonly Route[];
  readonly trustedProxies?: readonly string[];
  /** Networks of those who must send the PROXY protocol. */
  readonly proxyProtocol?: readonly string[];
  /** Files of a certificate and its key: then it speaks TLS. */
  readonly tls?: (PairPaths & Partial<ListenTls>) | null;
  /** The path of a unix socket to listen on. */
  readonly unix?: string;
  /** The path of a unix socket for the admin port. */
  readonly adminUnix?: string;
  /** 0 unless given. */
  readonly announceMs?: number;
  /** As built in but for these, and every line is written. */
  readonly log?: Partial<Config['log']>;
  /** The path of a file of users who are shut out. */
  readonly revokedUsers?: string | null;
  /** A store of counts that other gateways share. */
  readonly quotas?: Config['quotas'];
}

/** A route to an upstream (or to a port), with the limits of `testRoute`. */
export function routeTo(upstream: FakeUpstream | number, overrides: RouteOverrides = {}): Route {
  const port = typeof upstream === 'number' ? upstream : upstream.port;
  return testRoute({ upstream: loopback(port), ...overrides });
}

/** Starts a gateway; disposing of it stops it at once. */
export function startGateway(options: GatewayOptions): Promise<TestGateway> {
  return start(configOf(options), null);
}

/** Starts a gateway from the text of a configuration file, `sluice.yaml`; it must listen on port 0. */
export function startGatewayOf(text: string): Promise<TestGateway> {
  const loaded = loadConfig('sluice.yaml', text);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return start(loaded.config, loaded.resolved);
}

async function start(config: Config, resolved: Resolved | null): Promise<TestGateway> {
  const lines = new LogLines();
  const gateway = createGateway(config, { log: lines.log, resolved });
  const { address, adminAddress } = await gateway.start();
  const port = address.kind === 'tcp' ? address.port : 0;
  const adminPort = adminAddress?.kind === 'tcp' ? adminAddress.port : 0;
  return {
    gateway,
    port,
    adminPort,
    log: lines.all,
    logged: (event, fields = {}) =>
      lines.next((line) => line.event === event && Object.entries(fields).every(([key, value]) => line[key] === value)),
    async metrics() {
      return String(Buffer.concat(await gateway.renderMetrics('text')));
    },
    [Symbol.asyncDispose]: () => gateway.stop(AbortSignal.abort()),
  };
}

/** The configuration of a gateway on free ports. */
export function configOf({
  routes,
  trustedProxies = [],
  proxyProtocol = [],
  unix,
  adminUnix,
  tls = null,
  announceMs = 0,
  log,
  revokedUsers = null,
  quotas = null,
}: GatewayOptions): Config {
  const loopback = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const at = (path: string | undefined) => (path === undefined ? loopback : ({ kind: 'unix', path } as const));
  return {
    files: ['test.yaml'],
    hash: 'test',
    listen: {
      address: at(unix),
      tls: tls && { certificates: [], clients: null, ...tls },
      trustedProxies,
      proxyProtocol,
      ipv6Prefix: 64,
    },
    admin: { address: at(adminUnix), tokenFile: null },
    memory: { maxBufferedBytes: null },
    drain: { announceMs },
    // Tests count lines.
    log: { ...builtInTop.log, maxRate: null, ...log },
    revokedUsers,
    quotas,
    routes,
    routesApi: null,
  };
}
