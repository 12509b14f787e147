/** Several `sluice hub-proxy` before one hub, each at an address of its own; a file says which of them a name has. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root, scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { Hub, type Ports } from './hub.ts';

/** Not that of the tests, who may ask the hub for other things. */
const token = 'the-token-of-the-proxy';
const headers = { Authorization: `token ${token}` };

/** How replicas run, and what servers their hub starts. */
export interface ReplicasOptions {
  /** Further keys of each replica's file. */
  readonly more?: string;
  /** The program of users' servers; small ones unless given. */
  readonly singleuser?: string;
  /** Further variables of the hub. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of JupyterHub's internal certificates, by which all speak TLS with each other. */
  readonly internalCerts?: string;
}

/** A row of a replica's table. */
export interface Row {
  readonly target: string;
  readonly last_activity: string;
}

export class Replica {
  readonly address: string;
  readonly url: string;
  readonly #ports: Ports & { readonly metrics: number };
  readonly #options: ReplicasOptions;
  #process: ServerProcess | null = null;

  constructor(address: string, ports: Ports & { readonly metrics: number }, options: ReplicasOptions) {
    this.address = address;
    this.url = `http://${address}:${ports.public}`;
    this.#ports = ports;
    this.#options = options;
  }

  /** Starts it, and waits until it lives: not until it is ready. */
  async start(): Promise<this> {
    const { address } = this;
    const { public: port, proxyApi, hub, metrics } = this.#ports;
    const file = join(scratchDirectory('replica'), 'hub.yaml');
    const { more = '', internalCerts } = this.#options;
    const scheme = internalCerts === undefined ? 'http' : 'https';
    writeFileSync(file, `routes_api: {hub_api: '${scheme}://127.0.0.1:${hub}/hub/api'}\n${more}`);
    this.#process = await ServerProcess.start({
      name: `sluice ${address}`,
      command: process.execPath,
      args: [
        ...[join(root, 'src/main.ts'), 'hub-proxy', '--config', file],
        ...['--ip', address, '--port', String(port), '--api-ip', address, '--api-port', String(proxyApi)],
        ...['--metrics-ip', address, '--metrics-port', String(metrics)],
        ...(internalCerts === undefined ? [] : internalFlags(internalCerts)),
      ],
      env: { CONFIGPROXY_AUTH_TOKEN: token },
      ready: answers(`http://${address}:${metrics}/healthz`),
    });
    return this;
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL');
  }

  /** Asks it to go, as a rolling update does; resolves with its exit code when it has gone. */
  async leave(): Promise<number | null> {
    this.#process!.signal('SIGTERM');
    return this.#process!.exited();
  }

  async readiness(): Promise<{ status: number; words: string }> {
    const answer = await fetch(`http://${this.address}:${this.#ports.metrics}/readyz`);
    return { status: answer.status, words: (await answer.text()).trim() };
  }

  async metric(name: string): Promise<number | null> {
    const answer = await fetch(`http://${this.address}:${this.#ports.metrics}/metrics`);
    const [, value] = new RegExp(`^sluice_${name} (\\S+)$`, 'm').exec(await answer.text()) ?? [];
    return value === undefined ? null : Number(value);
  }

  async table(): Promise<Record<string, Row>> {
    const answer = await fetch(`http://${this.address}:${this.#ports.proxyApi}/api/routes`, { headers });
    return (await answer.json()) as Record<string, Row>;
  }

  /** Where each route leads. */
  async targets(): Promise<Record<string, string>> {
    const rows = Object.entries(await this.table()).map(([path, { target }]) => [path, target] as const);
    return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Changes the table behind the hub's back. */
  async change(method: 'DELETE' | 'POST', path: string, body?: object): Promise<void> {
    const place = `http://${this.address}:${this.#ports.proxyApi}/api/routes${path}`;
    await fetch(place, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  }

  /** What a client gets there. */
  async get(path: string): Promise<{ status: number; body: string }> {
    const sent = request(this.url + path, { agent: false }).end();
    const [answer] = await once(sent, 'response');
    return { status: answer.statusCode, body: await text(answer) };
  }
}

/** The replicas, what their name has, and their hub. */
export class Replicas {
  readonly #ports: Ports & { readonly metrics: number };
  readonly #names = join(scratchDirectory('names'), 'sluice-api');
  readonly #home = scratchDirectory('hub');
  readonly #all: Replica[] = [];
  readonly #options: ReplicasOptions;

  private constructor(ports: Ports & { readonly metrics: number }, options: ReplicasOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  static async make(options: ReplicasOptions = {}): Promise<Replicas> {
    const [pub, hub, proxyApi, metrics] = [await freePort(), await freePort(), await freePort(), await freePort()];
    return new Replicas({ public: pub, hub, proxyApi, metrics }, options);
  }

  /** Where the replicas' API listens, on each address. */
  get apiPort(): number {
    return this.#ports.proxyApi;
  }

  /** Where clients come to, on each address. */
  get publicPort(): number {
    return this.#ports.public;
  }

  async add(address: string): Promise<Replica> {
    const replica = new Replica(address, this.#ports, this.#options);
    this.#all.push(replica);
    return replica.start();
  }

  /** The name has these addresses from now on. */
  name(...addresses: readonly string[]): void {
    writeFileSync(this.#names, addresses.join('\n'));
  }

  /** Starts the hub, or starts it again. It checks the routes by itself every so many seconds. */
  startHub(publicUrl: string, checkSeconds: number): Promise<Hub> {
    return Hub.start(undefined, null, {
      ports: this.#ports,
      publicUrl,
      home: this.#home,
      ...(this.#options.internalCerts !== undefined && { internalCerts: this.#options.internalCerts }),
      env: {
        CONFIGPROXY_AUTH_TOKEN: token,
        HUB_REPLICAS: this.#names,
        HUB_PROXY_CLASS: join(root, 'config/jupyterhub/sluice_proxy.py'),
        HUB_PROXY_API_URL: `${this.#options.internalCerts === undefined ? 'http' : 'https'}://sluice-api:${this.#ports.proxyApi}`,
        HUB_SINGLEUSER: this.#options.singleuser ?? join(import.meta.dirname, 'small_server.py'),
        HUB_CHECK_SECONDS: String(checkSeconds),
        ...this.#options.env,
      },
    });
  }

  async stop(): Promise<void> {
    for (const replica of this.#all) await replica.kill();
  }
}

/** What the hub itself gives a proxy that it starts (`ConfigurableHTTPProxy._get_ssl_options`). */
function internalFlags(folder: string): string[] {
  const pair = (family: string, name: string) => [
    ...[`--${family}-key`, join(folder, name, `${name}.key`), `--${family}-cert`, join(folder, name, `${name}.crt`)],
    ...[`--${family}-ca`, join(folder, `${name}-ca_trust.crt`)],
    ...[`--${family}-request-cert`, `--${family}-reject-unauthorized`],
  ];
  return [...pair('api-ssl', 'proxy-api'), ...pair('client-ssl', 'proxy-client')];
}
