/** A release from its installation to its removal, as an operator sees it. */
import { beforeAll, expect, test, vi } from 'vitest';
import { Namespace } from './harness/namespace.ts';
import type { Deployment, EndpointSlice, KubernetesObject, Pod, Service } from './harness/objects.ts';
import { chart } from './harness/paths.ts';

let namespace: Namespace;
const replicas = (count: number) => ['--set', `replicas=${count}`];

interface Revision {
  readonly revision: number;
  readonly status: string;
  readonly description: string;
}

beforeAll(async () => {
  namespace = await Namespace.create('lifecycle');
  await namespace.install('gate', ...replicas(2));
});

const deployment = () => namespace.get<Deployment>('deployment/gate-sluice');
const readyPods = async () => (await deployment()).status.readyReplicas;
const history = async () => JSON.parse(await namespace.helm('history', 'gate', '--output=json')) as Revision[];

test('the release is deployed, and its notes say what to do next', async () => {
  const status = JSON.parse(await namespace.helm('status', 'gate', '--output=json')) as {
    info: { status: string; notes: string };
  };
  expect(status.info.status).toBe('deployed');
  expect(status.info.notes).toContain('kubectl');
});

test('a ReplicaSet owns the pods, and they are spread over the nodes', async () => {
  const [set] = await namespace.list('replicasets', 'app.kubernetes.io/instance=gate');
  const pods = await namespace.list<Pod>('pods', 'app.kubernetes.io/instance=gate');
  expect(set!.metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'gate-sluice' }]);
  expect(pods.map((pod) => pod.metadata.ownerReferences![0]!.uid)).toEqual([set!.metadata.uid, set!.metadata.uid]);
  expect(new Set(pods.map((pod) => pod.spec.nodeName))).toEqual(new Set(['node-a', 'node-b']));
});

test('each service reaches both pods at the port that the container names', async () => {
  const services = await namespace.list<Service>('services', 'app.kubernetes.io/instance=gate');
  const reached: Record<string, number[]> = {};
  for (const { metadata } of services) {
    const slices = await namespace.list<EndpointSlice>('endpointslices', `kubernetes.io/service-name=${metadata.name}`);
    const ready = slices.flatMap((slice) => slice.endpoints ?? []).filter(({ conditions }) => conditions.ready);
    expect(ready).toHaveLength(2);
    reached[metadata.name] = slices.flatMap((slice) => slice.ports ?? []).map(({ port }) => port);
  }
  expect(reached).toEqual({ 'gate-sluice': [8080], 'gate-sluice-metrics': [9090] });
});

test('the disruption budget counts both pods, lets one go and keeps the other', async () => {
  interface Budget extends KubernetesObject {
    readonly status: { readonly expectedPods: number; readonly disruptionsAllowed: number };
  }
  await vi.waitFor(
    async () => {
      const [budget] = await namespace.list<Budget>('poddisruptionbudgets', 'app.kubernetes.io/instance=gate');
      expect(budget!.status).toMatchObject({ expectedPods: 2, disruptionsAllowed: 1 });
    },
    { timeout: 20_000, interval: 250 },
  );
  const pods = await namespace.list<Pod>('pods', 'app.kubernetes.io/instance=gate');
  // Nothing takes the place of the first before the second is asked for.
  await namespace.kubectl('create', 'quota', 'no-more', '--hard=pods=1');
  const evictions = await Promise.all(pods.map(({ metadata }) => namespace.evict(metadata.name)));
  expect(evictions.map(({ ok, stderr }) => (ok ? 'evicted' : stderr)).sort()).toEqual([
    expect.stringContaining("would violate the pod's disruption budget"),
    'evicted',
  ]);
  await namespace.kubectl('delete', 'quota', 'no-more');
  await namespace.kubectl('rollout', 'status', 'deployment/gate-sluice', '--timeout=60s');
});

test('an upgrade, a rollback and the history tell the same story', async () => {
  await namespace.upgrade('gate', ...replicas(3));
  expect(await readyPods()).toBe(3);
  await namespace.helm('rollback', 'gate', '1', '--wait', '--timeout=60s');
  expect(await readyPods()).toBe(2);
  expect((await history()).map(({ revision, status }) => [revision, status])).toEqual([
    [1, 'superseded'],
    [2, 'superseded'],
    [3, 'deployed'],
  ]);
  expect((await history()).at(-1)!.description).toBe('Rollback to 1');
});

test('an image that does not come up leaves the pods that serve, and a rollback clears it away', async () => {
  const before = await namespace.list<Pod>('pods', 'app.kubernetes.io/instance=gate');
  const upgraded = await namespace.tryHelm(
    ...['upgrade', 'gate', chart, ...replicas(2), '--set', 'image.tag=never-ready', '--wait', '--timeout=5s'],
  );
  expect(upgraded.ok).toBe(false);
  expect(await readyPods()).toBe(2);
  const during = await namespace.list<Pod>('pods', 'app.kubernetes.io/instance=gate');
  expect(during.map(({ metadata }) => metadata.uid)).toEqual(
    expect.arrayContaining(before.map(({ metadata }) => metadata.uid)),
  );
  expect(during.length).toBeGreaterThan(before.length);

  await namespace.helm('rollback', 'gate', '--wait', '--timeout=60s');
  await vi.waitFor(
    async () => {
      const after = await namespace.list<Pod>('pods', 'app.kubernetes.io/instance=gate');
      expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
    },
    { timeout: 20_000, interval: 250 },
  );
});

test('removing it leaves nothing behind', async () => {
  expect((await namespace.everything()).length).toBeGreaterThan(5);
  await namespace.helm('uninstall', 'gate', '--wait', '--timeout=60s');
  await namespace.isEmpty();
});
