/**
 * What a change of values does to running pods: new limits are read by the pods that run, listener settings need new
 * ones.
 */
import { beforeAll, expect, test } from 'vitest';
import { Namespace } from './harness/namespace.ts';
import type { Deployment, KubernetesObject, Pod } from './harness/objects.ts';
import { watch } from './harness/watch.ts';

let namespace: Namespace;
const replicas = ['--set', 'replicas=2'];
const newLimits = ['--set', 'config.defaults.limits.client.max_message_size=5MiB'];
const newListener = ['--set', 'config.listen.trusted_proxies={10.0.0.0/8}'];

beforeAll(async () => {
  namespace = await Namespace.create('rollout');
  await namespace.install('gate', ...replicas);
});

interface ReplicaSet extends KubernetesObject {
  readonly metadata: KubernetesObject['metadata'] & { readonly labels: { readonly 'pod-template-hash': string } };
}

const templates = async () =>
  (await namespace.list<ReplicaSet>('replicasets')).map(({ metadata }) => metadata.labels['pod-template-hash']).sort();
/** Those of the gateway: the check of an upgrade has one too, for a moment. */
const gatewayPods = () => namespace.list<Pod>('pods', 'app.kubernetes.io/component=gateway');
const pods = async () => (await gatewayPods()).map(({ metadata }) => metadata.uid).sort();

/** Everything that the release's ConfigMaps say. */
const configuration = async () =>
  (await namespace.list<KubernetesObject & { readonly data: object }>('configmaps', 'app.kubernetes.io/instance=gate'))
    .map(({ data }) => JSON.stringify(data))
    .join();

test('new limits reach the ConfigMap and leave template and pods as they were', async () => {
  const before = [await templates(), await pods()];
  expect(await configuration()).not.toContain('5MiB');
  await namespace.upgrade('gate', ...replicas, ...newLimits);
  expect(await configuration()).toContain('5MiB');
  expect([await templates(), await pods()]).toEqual(before);
});

test('a new listener setting replaces the pods, with no moment in which fewer than all serve', async () => {
  const before = [await templates(), await pods()] as const;
  const available: number[] = [];
  const watched = await watch(namespace, 'deployment/gate-sluice', ({ status }: Deployment) =>
    available.push(status.availableReplicas ?? 0),
  );
  await namespace.upgrade('gate', ...replicas, ...newLimits, ...newListener);
  await namespace.kubectl('rollout', 'status', 'deployment/gate-sluice', '--timeout=60s');
  await watched.stop();

  expect((await templates()).length).toBe(before[0].length + 1);
  expect((await pods()).filter((uid) => before[1].includes(uid))).toEqual([]);
  // More than the first sight of it: the rollout was watched as it went.
  expect(available.length).toBeGreaterThan(2);
  expect(Math.min(...available)).toBeGreaterThanOrEqual(2);
});

test('a rollback of both goes back to the first template', async () => {
  const before = await templates();
  await namespace.helm('rollback', 'gate', '1', '--wait', '--timeout=60s');
  expect(await templates()).toEqual(before);
  expect(await configuration()).not.toContain('5MiB');
  const [active] = await gatewayPods();
  expect(before).toContain(active!.metadata.labels!['pod-template-hash']);
});
