/**
 * A Kubernetes cluster without containers, on loopback: etcd, API server, controller manager, scheduler, and kwok in
 * place of kubelets. ReplicaSets, pods, admission, endpoints and disruption budgets are real.
 */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { root } from '../../real/harness/paths.ts';
import { freePort } from '../../real/harness/ports.ts';
import { ServerProcess } from '../../real/harness/server-process.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { kubectl } from './kubectl.ts';
import { type ClusterProgram, clusterProgram, definitions } from './paths.ts';

/** What the parts wrote, kept after a run for whoever looks for the cause of a failure. */
const logs = join(root, '.cache/cluster/logs');

const harness = join(root, 'test/cluster/harness');

/** A running cluster. */
export class ControlPlane {
  /** The file that lets kubectl and Helm in, as administrator. */
  readonly kubeconfig: string;
  readonly #directory: string;
  readonly #parts: ServerProcess[] = [];

  private constructor(directory: string) {
    this.#directory = directory;
    this.kubeconfig = join(directory, 'kubeconfig');
  }

  /** Starts everything with its state in `directory`; resolves when custom resources are known and nodes are ready. */
  static async start(directory: string, phase: (name: string) => void): Promise<ControlPlane> {
    rmSync(logs, { recursive: true, force: true });
    mkdirSync(logs, { recursive: true });
    const plane = new ControlPlane(directory);
    try {
      await plane.#startServers(phase);
      await plane.#fill();
      phase('custom resources and nodes');
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** Ends every part, the last started first: the API server before the store it writes to. */
  async stop(): Promise<void> {
    for (const part of this.#parts.splice(0).reverse()) await part.stop();
  }

  async #startServers(phase: (name: string) => void): Promise<void> {
    const certificates = makeCertificates(this.#directory);
    phase('certificates');
    const [store, peer, port] = await Promise.all([freePort(), freePort(), freePort()]);
    await this.#startStore(store, peer);
    const url = `https://127.0.0.1:${port}`;
    await this.#run('kube-apiserver', apiServerArguments(certificates, store, port), () => isReady(url, certificates));
    writeFileSync(this.kubeconfig, JSON.stringify(kubeconfigFor(url, certificates)), { mode: 0o600 });
    phase('etcd and API server');
    const asAdministrator = `--kubeconfig=${this.kubeconfig}`;
    // Without a port of their own: whether they work is seen in the cluster. Their usual care not to burden the API
    // server (20 requests a second) would only make the suites wait.
    const common = [
      asAdministrator,
      '--secure-port=0',
      '--leader-elect=false',
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
    ];
    await this.#run('kube-controller-manager', [
      ...common,
      '--horizontal-pod-autoscaler-sync-period=2s',
      // The nodes send no heartbeats: without this their pods would be called unready after a minute.
      '--node-monitor-grace-period=24h',
      ...[`--service-account-private-key-file=${certificates.tokens}`, `--root-ca-file=${certificates.authority}`],
    ]);
    await this.#run('kube-scheduler', common);
    await this.#run('kwok', [asAdministrator, '--manage-all-nodes', `--config=${join(harness, 'stages.yaml')}`]);
  }

  #startStore(port: number, peer: number): Promise<void> {
    const url = `http://127.0.0.1:${port}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    return this.#run(
      'etcd',
      [
        ...[`--data-dir=${join(this.#directory, 'etcd')}`, '--unsafe-no-fsync', '--name=only'],
        ...[`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`, `--listen-peer-urls=${peerUrl}`],
        ...[`--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=only=${peerUrl}`],
      ],
      async () => (await fetch(`${url}/health`)).ok,
    );
  }

  /** Loads the definitions of custom resources and two nodes in two zones, and waits until all of it is usable. */
  async #fill(): Promise<void> {
    const at = { kubeconfig: this.kubeconfig };
    // Server-side: the operators' definitions are too long for the annotation that a plain apply leaves.
    await kubectl(['apply', '--server-side', ...definitions.flatMap((path) => ['-f', path])], at);
    await kubectl(['apply', '-f', join(harness, 'nodes.yaml')], at);
    await kubectl(['wait', 'crd', '--all', '--for=condition=Established', '--timeout=60s'], at);
    await kubectl(['wait', 'nodes', '--all', '--for=condition=Ready', '--timeout=60s'], at);
  }

  async #run(name: ClusterProgram, args: readonly string[], ready = async () => true): Promise<void> {
    const log = join(logs, `${name}.log`);
    this.#parts.push(
      await ServerProcess.start({
        name,
        command: clusterProgram(name),
        args,
        ready,
        onLine: (line) => appendFileSync(log, `${line}\n`),
      }),
    );
  }
}

function apiServerArguments(certificates: Certificates, store: number, port: number): string[] {
  return [
    ...[`--etcd-servers=http://127.0.0.1:${store}`, '--bind-address=127.0.0.1', `--secure-port=${port}`],
    // Nobody needs the service "kubernetes", and its endpoint may not be a loopback address.
    ...['--advertise-address=127.0.0.1', '--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.96.0.0/16'],
    ...[`--tls-cert-file=${certificates.server.certificate}`, `--tls-private-key-file=${certificates.server.key}`],
    ...[`--client-ca-file=${certificates.authority}`, '--authorization-mode=RBAC'],
    ...['--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${certificates.tokens}`],
    `--service-account-signing-key-file=${certificates.tokens}`,
  ];
}

function kubeconfigFor(server: string, certificates: Certificates): object {
  const user = {
    'client-certificate': certificates.administrator.certificate,
    'client-key': certificates.administrator.key,
  };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'only', cluster: { server, 'certificate-authority': certificates.authority } }],
    users: [{ name: 'administrator', user }],
    contexts: [{ name: 'only', context: { cluster: 'only', user: 'administrator' } }],
    'current-context': 'only',
  };
}

/** Asks as anybody: `/readyz` is open to all. */
function isReady(url: string, certificates: Certificates): Promise<boolean> {
  const ca = readFileSync(certificates.authority);
  return new Promise((resolve, reject) => {
    get(`${url}/readyz`, { ca }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', reject);
  });
}
