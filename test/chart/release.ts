/**
 * A rendered release as the kubelet runs it, less the container: its volumes are directories below a scratch one, its
 * command is that of the manifest with the image's entrypoint before it, and its ports are free ones on loopback.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, scratchDirectory } from '../real/harness/paths.ts';
import { freePort } from '../real/harness/ports.ts';
import { answers, ServerProcess } from '../real/harness/server-process.ts';
import { existing } from './existing.ts';
import { find, type Manifest } from './helm.ts';

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string; readonly items?: { key: string; path: string }[] };
  readonly emptyDir?: object;
}

/** The upstreams that the configuration names, and where they are here. */
export type Backends = Readonly<Record<string, string>>;

/** Whether the addresses to listen on are loopback's or those of the manifests. */
export type Host = 'loopback' | 'as rendered';

/** The store of a values file, and a place where nobody listens: a pod starts without it. */
export const storeNowhere = { 'rediss://redis.stores:6379': 'redis://127.0.0.1:9' };

/** The volumes of a release below a directory of their own; ConfigMaps change there as a kubelet changes them. */
export class Volumes {
  readonly #directory = scratchDirectory('volumes');
  readonly #ports: ReadonlyMap<number, number>;
  readonly #backends: Backends;
  readonly #host: Host;
  #generation = 0;

  /** `ports`: the loopback ports that stand for those of the manifests. */
  constructor(ports: ReadonlyMap<number, number>, backends: Backends, host: Host = 'loopback') {
    this.#ports = ports;
    this.#backends = backends;
    this.#host = host;
  }

  /** A path of the container, here. */
  path(mountPath: string): string {
    return join(this.#directory, mountPath);
  }

  /** Text of the release with its paths and addresses as they are here. */
  here(text: string): string {
    let own = text.replaceAll('/etc/sluice/', `${this.path('/etc/sluice')}/`);
    own = own.replaceAll('/etc/schemas/', `${this.path('/etc/schemas')}/`);
    own = own.replaceAll(/(^| )\/test\//g, `$1${this.path('/test')}/`);
    for (const [url, here] of Object.entries(this.#backends)) own = own.replaceAll(url, here);
    for (const [port, free] of this.#ports)
      own = own.replace(
        new RegExp(`(0\\.0\\.0\\.0|\\[::\\]):${port}\\b`),
        this.#host === 'loopback' ? `127.0.0.1:${free}` : `$1:${free}`,
      );
    return own;
  }

  /**
   * Brings a ConfigMap or Secret as the kubelet does: whole in a new directory, then one rename of the link `..data`.
   */
  bring(mountPath: string, files: Readonly<Record<string, string>>): void {
    const mount = this.path(mountPath);
    const generation = `..${this.#generation++}`;
    mkdirSync(join(mount, generation), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(mount, generation, name), this.here(text));
      rmSync(join(mount, name), { force: true });
      symlinkSync(join('..data', name), join(mount, name));
    }
    symlinkSync(generation, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  }

  /** Every volume that the container of a pod mounts. */
  bringAll(all: readonly Manifest[], pod: { readonly volumes: readonly Volume[] }, container: Container): void {
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = pod.volumes.find((candidate) => candidate.name === name)!;
      if (volume.configMap) this.bring(mountPath, configFiles(all, volume.configMap.name));
      if (volume.secret) this.bring(mountPath, secretFiles(all, volume.secret));
      if (volume.emptyDir) mkdirSync(this.path(mountPath), { recursive: true });
    }
  }
}

function configFiles(all: readonly Manifest[], name: string): Readonly<Record<string, string>> {
  return existing[name] ?? find(all, 'ConfigMap', name).data;
}

function secretFiles(all: readonly Manifest[], secret: NonNullable<Volume['secret']>) {
  const made = all.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secret.secretName);
  const data: Readonly<Record<string, string>> = made
    ? Object.fromEntries(Object.entries(made.data).map(([name, text]) => [name, atob(text as string)]))
    : existing[secret.secretName]!;
  const items = secret.items ?? Object.keys(data).map((name) => ({ key: name, path: name }));
  return Object.fromEntries(items.map((item) => [item.path, data[item.key]!]));
}

function podOf(all: readonly Manifest[]) {
  return find(all, 'Deployment').spec.template.spec;
}

/** The real Sluice, started from what Helm rendered; `await using` stops it. */
export class Release {
  readonly volumes: Volumes;
  readonly process: ServerProcess;
  /** By the name of the container's port: where it is here. */
  readonly ports: Readonly<Record<string, number>>;
  readonly #container: Container;

  private constructor(
    volumes: Volumes,
    process: ServerProcess,
    ports: Readonly<Record<string, number>>,
    container: Container,
  ) {
    this.volumes = volumes;
    this.process = process;
    this.ports = ports;
    this.#container = container;
  }

  static async start(all: readonly Manifest[], backends: Backends = {}, host: Host = 'loopback'): Promise<Release> {
    const container: Container = podOf(all).containers.find(({ name }: Container) => name === 'sluice');
    const free = new Map<number, number>();
    for (const { containerPort } of container.ports) free.set(containerPort, await freePort());
    const ports = Object.fromEntries(
      container.ports.map(({ name, containerPort }) => [name, free.get(containerPort)!]),
    );
    const nowhere = Object.keys(backends).filter((url) => !JSON.stringify(all).includes(url));
    if (nowhere.length > 0) throw new Error(`no route leads to ${nowhere}`);
    const volumes = new Volumes(free, backends, host);
    volumes.bringAll(all, podOf(all), container);
    const probe = container.startupProbe!.httpGet;
    const process_ = await ServerProcess.start({
      name: 'sluice',
      command: process.execPath,
      args: [join(root, 'src/main.ts'), ...container.args.map((arg) => volumes.here(arg))],
      env: Object.fromEntries(
        (container.env ?? []).map(({ name, value, valueFrom }) => [
          name,
          value ?? existing[valueFrom!.secretKeyRef.name]![valueFrom!.secretKeyRef.key],
        ]),
      ),
      cwd: dirname(volumes.path('/etc')),
      ready: answers(`http://127.0.0.1:${ports[probe.port]}${probe.path}`),
    });
    return new Release(volumes, process_, ports, container);
  }

  /** What a probe of the container gets. */
  async probe(name: 'startup' | 'liveness' | 'readiness'): Promise<number> {
    const { path, port } = this.#container[`${name}Probe`]!.httpGet;
    const response = await fetch(`http://127.0.0.1:${this.ports[port]}${path}`, { headers: { connection: 'close' } });
    await response.body?.cancel();
    return response.status;
  }

  /** One of the admin port's pages. */
  async admin(path: string, token?: string): Promise<Response> {
    const port = this.ports.admin ?? this.ports['sluice-admin'];
    const headers: Record<string, string> = { connection: 'close' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    return fetch(`http://127.0.0.1:${port}${path}`, { headers });
  }

  /** Nobody balances load here, so the announcement of a drain is not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop('SIGKILL');
  }
}
