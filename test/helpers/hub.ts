/** A gateway whose routes a program sets, as a hub does, and the hub's side of it. */
import { once } from 'node:events';
import { createServer, type RequestListener, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { formatConfigError } from '../../src/config/language/errors.ts';
import { loadConfig } from '../../src/config/model/load.ts';
import type { TargetRules } from '../../src/config/types.ts';
import { createGateway, type Gateway, type GatewayParts } from '../../src/gateway.ts';
import { createLog } from '../../src/observe/log/log.ts';
import type { LogLine } from './gateway.ts';
import { listen } from './listen.ts';
import type { Peer } from './peer.ts';

export const token = 'secret!';

export interface HubAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** Asks a port of loopback; `path` goes out as it is. */
export function ask(port: number, path: string, { method = 'GET', body, headers = {} }: Ask = {}): Promise<HubAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HubAnswer>();
  const req = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (res) => {
    const parts: Buffer[] = [];
    res.on('data', (part: Buffer) => parts.push(part));
    res.on('end', () =>
      resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(parts).toString() }),
    );
    res.on('error', reject);
  });
  req.on('error', reject).end(body);
  return promise;
}

export interface HubGateway {
  readonly gateway: Gateway;
  readonly port: number;
  readonly apiPort: number;
  /** 0 where it does not listen. */
  readonly adminPort: number;
  readonly log: readonly LogLine[];
  /** Asks the API, with the token unless headers are given. */
  api(path: string, ask?: Ask): Promise<HubAnswer>;
  /** Sets a route. */
  set(path: string, target: string | number, data?: object): Promise<HubAnswer>;
  /** When a route was last used; milliseconds since 1970. */
  lastActivity(path: string): Promise<number>;
  stop(): Promise<void>;
}

export interface HubOptions extends Omit<GatewayParts, 'log'> {
  /** Where the API listens; a free port of loopback unless given. */
  readonly apiAddress?: string;
  /** Further keys of `routes_api`, in YAML's flow style: `state_file: x`. */
  readonly api?: string;
  readonly more?: string;
  /** The same of `listen`. */
  readonly listens?: string;
  readonly rules?: Partial<TargetRules>;
}

/** Starts one on free ports; it is stopped when the test is over. */
export async function hubGateway(options: HubOptions = {}): Promise<HubGateway> {
  const { api = '', apiAddress = '127.0.0.1:0', more = '', listens = '', rules, ...parts } = options;
  const loaded = loadConfig(
    'hub.yaml',
    `listen: {address: '127.0.0.1:0'${listens && `, ${listens}`}}\nadmin: {address: '127.0.0.1:0'}\nroutes_api: {address: '${apiAddress}'${api && `, ${api}`}}\n${more}`,
  );
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  const { routesApi } = loaded.config;
  const config = { ...loaded.config, routesApi: { ...routesApi!, rules: { ...routesApi!.rules, ...rules } } };
  const lines: LogLine[] = [];
  const log = createLog({ write: (text) => lines.push(JSON.parse(text) as LogLine) });
  const gateway = createGateway(config, {
    log,
    resolved: loaded.resolved,
    apiToken: token,
    admin: 'nothing',
    ...parts,
  });
  const { address, adminAddress, routesApiAddress } = await gateway.start();
  const apiPort = portOf(routesApiAddress);
  const stop = () => gateway.stop(AbortSignal.abort());
  onTestFinished(stop);
  const hub: HubGateway = {
    gateway,
    port: portOf(address),
    apiPort,
    adminPort: portOf(adminAddress),
    log: lines,
    api: (path, { headers = { authorization: `token ${token}` }, ...rest } = {}) =>
      ask(apiPort, `/api/routes${path}`, { ...rest, headers }),
    set: (path, target, data = {}) =>
      hub.api(path, {
        method: 'POST',
        body: JSON.stringify({ target: typeof target === 'number' ? `http://127.0.0.1:${target}` : target, ...data }),
      }),
    lastActivity: async (path) => Date.parse(JSON.parse((await hub.api(path)).body).last_activity),
    stop,
  };
  return hub;
}

function portOf(address: { readonly kind: string; readonly port?: number } | null): number {
  return address?.port ?? 0;
}

/** Resolves when a peer has received a text. */
export async function textUntil(peer: Peer, text: string): Promise<void> {
  while (!peer.received.includes(text)) await once(peer.socket, 'data');
}

/** A server of plain HTTP on a free port, closed when the test is over. */
export async function httpServer(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server);
}

/** Answers with what it was asked. */
export const echo: RequestListener = (req, res) => {
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ url: req.url, headers: req.headers }));
};
