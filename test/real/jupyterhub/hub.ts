/** JupyterHub with its configurable-http-proxy, as three kinds of programs: the hub, the proxy, the users' servers. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, scratchDirectory, venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { token, writeLabSettings, writeNotebook } from '../jupyter/jupyter-server.ts';

const authorization = { Authorization: `token ${token}` };

/** A running hub; `await using` stops it, its proxy and every server. */
export class Hub {
  /** The proxy's public address: what would be given to Sluice as its upstream. */
  readonly url: string;
  readonly port: number;
  readonly #hubUrl: string;
  readonly #proxyApi: string;
  readonly #home: string;
  readonly #processes: readonly ServerProcess[];

  /** The hub's API past its proxy, as a service is told of it. */
  get apiUrl(): string {
    return `${this.#hubUrl}/hub/api`;
  }

  private constructor(ports: Ports, hubUrl: string, home: string, processes: readonly ServerProcess[]) {
    this.port = ports.public;
    this.url = `http://127.0.0.1:${ports.public}`;
    this.#hubUrl = hubUrl;
    this.#proxyApi = `http://127.0.0.1:${ports.proxyApi}`;
    this.#home = home;
    this.#processes = processes;
  }

  /** Starts a hub that starts its proxy itself, by this command; `env` are further variables of the hub. */
  static startWithProxy(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Hub> {
    return Hub.start(undefined, command, null, env);
  }

  /**
   * Starts a hub beside its proxy. `service` is the address of a service named `panel`, and its token; with a command
   * the hub starts that as its proxy.
   */
  static async start(
    service?: { readonly url: string; readonly token: string },
    command: readonly string[] | null = null,
    behind: Replicated | null = null,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Hub> {
    const ports: Ports = behind?.ports ?? {
      public: await freePort(),
      hub: await freePort(),
      proxyApi: await freePort(),
    };
    const home = behind?.home ?? scratchDirectory('hub');
    mkdirSync(join(home, 'users'), { recursive: true });
    writeLabSettings(join(home, 'lab-settings'));
    const url = (port: number) => `http://127.0.0.1:${port}`;
    const hubUrl = behind?.internalCerts === undefined ? url(ports.hub) : `https://127.0.0.1:${ports.hub}`;
    const publicUrl = behind?.publicUrl ?? url(ports.public);
    const proxyOfOurs = () =>
      ServerProcess.start({
        name: 'configurable-http-proxy',
        command: join(root, 'node_modules/.bin/configurable-http-proxy'),
        args: [
          ...['--ip', '127.0.0.1', '--port', String(ports.public)],
          ...['--api-ip', '127.0.0.1', '--api-port', String(ports.proxyApi)],
          ...['--error-target', `${url(ports.hub)}/hub/error`],
        ],
        env: { CONFIGPROXY_AUTH_TOKEN: token },
        // Nothing is routed yet.
        ready: answers(url(ports.public), [404, 503]),
      });
    const beside = command === null && behind === null ? [await proxyOfOurs()] : [];
    const hub = await ServerProcess.start({
      name: 'jupyterhub',
      command: venvProgram('modern', 'jupyterhub'),
      args: ['--config', join(import.meta.dirname, 'jupyterhub_config.py')],
      cwd: home,
      env: {
        HOME: home,
        HUB_HOME: home,
        HUB_PUBLIC_URL: publicUrl,
        HUB_URL: hubUrl,
        ...(behind?.internalCerts !== undefined && { HUB_INTERNAL_CERTS: behind.internalCerts }),
        HUB_PROXY_API_URL: url(ports.proxyApi),
        HUB_SINGLEUSER: venvProgram('modern', 'jupyterhub-singleuser'),
        HUB_TOKEN: token,
        CONFIGPROXY_AUTH_TOKEN: token,
        ...(service && { HUB_SERVICE_URL: service.url, HUB_SERVICE_TOKEN: service.token }),
        ...(command === null ? {} : { HUB_PROXY_COMMAND: JSON.stringify(command) }),
        ...behind?.env,
        ...env,
        PATH: `${venvProgram('modern', '')}:${process.env.PATH}`,
      },
      ready: answers(`${publicUrl}/hub/health`),
    });
    // Who has no certificate of the hub's own comes to it by its proxy alone.
    const reached = behind?.internalCerts === undefined ? url(ports.hub) : publicUrl;
    return new Hub(ports, reached, home, [hub, ...beside]);
  }

  /** Calls the hub's API past its proxy, as an administrator; any refusal throws. */
  async api(method: string, path: string, body?: object): Promise<unknown> {
    const asked = { method, headers: authorization, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`${this.#hubUrl}/hub/api${path}`, asked);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** Makes a user and begins to start a server of theirs; gives its path and that of its progress in the hub's API. */
  async requestServer(user: string, server = ''): Promise<{ path: string; progress: string }> {
    await this.api('POST', `/users/${user}`).catch(() => undefined);
    await this.api('POST', `/users/${user}/servers/${server}`);
    const model = server === '' ? 'server' : `servers/${server}`;
    return { path: join('/user', user, server), progress: `/users/${user}/${model}/progress` };
  }

  /** Starts a server, waits until it is ready, and gives its path. */
  async startServer(user: string, server = ''): Promise<string> {
    const { path, progress } = await this.requestServer(user, server);
    const events = await fetch(`${this.#hubUrl}/hub/api${progress}`, { headers: authorization });
    const text = await events.text();
    if (!text.includes('"ready": true')) throw new Error(`${path} did not start: ${text}`);
    return path;
  }

  /** When the hub, and when its proxy, last saw a user's default server being used. */
  async lastActivity(user: string): Promise<{ hub: string; proxy: string }> {
    const response = await fetch(`${this.#proxyApi}/api/routes`, { headers: authorization });
    const routes = (await response.json()) as Record<string, Activity>;
    const { servers } = (await this.api('GET', `/users/${user}`)) as { servers: Record<string, Activity> };
    return { hub: servers['']!.last_activity, proxy: routes[`/user/${user}`]!.last_activity };
  }

  /** Writes a notebook into a user's home, and returns that folder. */
  writeNotebook(user: string, name: string, cells: readonly string[]): string {
    const home = join(this.#home, 'users', user);
    mkdirSync(home, { recursive: true });
    writeNotebook(join(home, name), cells);
    return home;
  }

  /** Ends the hub at once, and leaves its users' servers alone. */
  async die(): Promise<void> {
    this.#processes[0]!.signal('SIGKILL');
    await this.#processes[0]!.exited();
  }

  async stop(): Promise<void> {
    for (const process of this.#processes) await process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface Activity {
  readonly last_activity: string;
}

/** Replicas of a proxy before the hub: their public address, their ports, and what the hub is told of them. */
export interface Replicated {
  readonly ports: Ports;
  readonly publicUrl: string;
  /** A hub that starts again there knows what the one before knew. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** The folder of JupyterHub's internal certificates; without it none are asked for. */
  readonly internalCerts?: string;
}

export interface Ports {
  readonly public: number;
  readonly hub: number;
  readonly proxyApi: number;
}
