/** A namespace that enforces Pod Security "restricted", and what a suite does in it. */
import { expect, inject } from 'vitest';
import { type Answer, kubectl, run, succeed, tryKubectl } from './kubectl.ts';
import type { KubernetesObject } from './objects.ts';
import { chart, helmProgram } from './paths.ts';

/** A way to choose objects: labels that they carry. */
type Selector = string;

/** The kinds of objects that live in namespaces; they stay the same for a whole run. */
let listed: Promise<string> | undefined;

/** A namespace of its own for one suite. */
export class Namespace {
  readonly name: string;
  readonly kubeconfig: string = inject('kubeconfig');
  readonly #at = { kubeconfig: this.kubeconfig };

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes it, and waits for the service account without which no pod is admitted. */
  static async create(name: string): Promise<Namespace> {
    const made = new Namespace(name);
    const enforced = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await kubectl(['create', 'namespace', name], made.#at);
    await kubectl(['label', 'namespace', name, ...enforced], made.#at);
    await made.kubectl('wait', 'serviceaccount/default', '--for=create', '--timeout=30s');
    return made;
  }

  /** Runs kubectl here; throws when it fails. */
  kubectl(...args: readonly string[]): Promise<string> {
    return kubectl(['--namespace', this.name, ...args], this.#at);
  }

  /** Applies manifests here, or only asks the server whether it would. */
  apply(manifests: string, ...args: readonly string[]): Promise<Answer> {
    return tryKubectl(['--namespace', this.name, 'apply', ...args, '--filename=-'], { ...this.#at, input: manifests });
  }

  /** The objects of these kinds (`pods`, `deployments,services`). */
  async list<T extends KubernetesObject = KubernetesObject>(kinds: string, selector?: Selector): Promise<T[]> {
    const chosen = selector === undefined ? [] : [`--selector=${selector}`];
    return (JSON.parse(await this.kubectl('get', kinds, '--output=json', ...chosen)) as { items: T[] }).items;
  }

  /** One object (`deployment/name`). */
  async get<T extends KubernetesObject = KubernetesObject>(object: string): Promise<T> {
    return JSON.parse(await this.kubectl('get', object, '--output=json')) as T;
  }

  /**
   * Every object here as `kind/name`, whatever its labels; without those that any namespace has, and without events.
   */
  async everything(): Promise<string[]> {
    listed ??= this.kubectl('api-resources', '--namespaced', '--verbs=list', '--output=name');
    const kinds = (await listed).split('\n').filter((kind) => kind !== '' && !kind.startsWith('events'));
    const names = await this.kubectl('get', kinds.join(','), '--output=name', '--ignore-not-found');
    const own = ['configmap/kube-root-ca.crt', 'serviceaccount/default'];
    return names.split('\n').filter((name) => name !== '' && !own.includes(name));
  }

  /** Passes when nothing is left, or nothing but what controllers are about to clear away. */
  async isEmpty(): Promise<void> {
    await this.kubectl('wait', 'pods', '--all', '--for=delete', '--timeout=30s');
    await expect.poll(() => this.everything(), { timeout: 30_000, interval: 1000 }).toEqual([]);
  }

  /** Events of this reason, as `object: message`. */
  async events(reason: string): Promise<string[]> {
    interface Event extends KubernetesObject {
      readonly message: string;
      readonly involvedObject: { readonly kind: string; readonly name: string };
    }
    const answer = await this.kubectl('get', 'events', `--field-selector=reason=${reason}`, '--output=json');
    const { items } = JSON.parse(answer) as { items: Event[] };
    return items.map((event) => `${event.involvedObject.kind}/${event.involvedObject.name}: ${event.message}`);
  }

  /** Asks politely for a pod's end, as a node's drain does; a disruption budget may refuse it. */
  evict(pod: string): Promise<Answer> {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: this.name } };
    const path = `/api/v1/namespaces/${this.name}/pods/${pod}/eviction`;
    return tryKubectl(['create', '--raw', path, '--filename=-'], { ...this.#at, input: JSON.stringify(eviction) });
  }

  /** Runs Helm here; throws when it fails. */
  async helm(...args: readonly string[]): Promise<string> {
    return succeed(`helm ${args.join(' ')}`, await this.tryHelm(...args));
  }

  /** Runs Helm here, where a failure may be what is looked for. */
  tryHelm(...args: readonly string[]): Promise<Answer> {
    return run(helmProgram, ['--namespace', this.name, ...args], this.#at);
  }

  /** Installs the chart and waits until its pods are ready; a failure names what kept pods from being made. */
  async install(release: string, ...values: readonly string[]): Promise<void> {
    const answer = await this.tryHelm('install', release, chart, '--wait', '--timeout=60s', ...values);
    const refused = answer.ok ? [] : await this.events('FailedCreate');
    succeed(`helm install ${release}`, { ...answer, stdout: refused.join('\n') });
  }

  /** Upgrades a release and waits until its pods are ready. */
  upgrade(release: string, ...values: readonly string[]): Promise<string> {
    return this.helm('upgrade', release, chart, '--wait', '--timeout=60s', ...values);
  }
}
