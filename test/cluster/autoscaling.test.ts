/** The two autoscalers on a cluster that runs their target: found, and not fought by an upgrade. */
import { beforeAll, describe, expect, test } from 'vitest';
import { Namespace } from './harness/namespace.ts';
import type { Deployment, KubernetesObject } from './harness/objects.ts';
import { valuesWith } from './harness/render.ts';
import { watch } from './harness/watch.ts';

const deployment = (namespace: Namespace) => namespace.get<Deployment>('deployment/gate-sluice');

/** Installs the values file that turns a kind of autoscaler on. */
async function autoscaled(kind: string): Promise<{ namespace: Namespace; values: readonly string[] }> {
  const namespace = await Namespace.create(`scales-${kind.toLowerCase()}`);
  const values = ['--values', await valuesWith(kind)];
  await namespace.install('gate', ...values);
  return { namespace, values };
}

/** Whoever chose the number of pods, an upgrade of the release does not. */
async function keepsItsPods(namespace: Namespace, values: readonly string[]): Promise<void> {
  await namespace.kubectl('scale', 'deployment/gate-sluice', '--replicas=4');
  await namespace.kubectl('rollout', 'status', 'deployment/gate-sluice', '--timeout=60s');
  await namespace.upgrade('gate', ...values, '--set', 'podAnnotations.seen=again');
  expect((await deployment(namespace)).spec.replicas).toBe(4);
  // Helm waits for the new pods, not for the end of the last old one.
  await expect.poll(async () => (await deployment(namespace)).status.readyReplicas, { timeout: 30_000 }).toBe(4);
}

describe('HorizontalPodAutoscaler', () => {
  interface Autoscaler extends KubernetesObject {
    readonly spec: { readonly minReplicas: number; readonly behavior: { readonly scaleDown: object } };
  }
  let namespace: Namespace;
  let values: readonly string[];

  beforeAll(async () => {
    ({ namespace, values } = await autoscaled('HorizontalPodAutoscaler'));
  });

  test('it finds the deployment, and brings it to its least number of pods', async () => {
    const { spec } = await namespace.get<Autoscaler>('horizontalpodautoscaler/gate-sluice');
    expect(spec.minReplicas).toBeGreaterThan(1);
    await expect
      .poll(async () => (await deployment(namespace)).spec.replicas, { timeout: 30_000, interval: 250 })
      .toBe(spec.minReplicas);
    expect(spec.behavior.scaleDown).toMatchObject({ policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }] });
  });

  test('an upgrade keeps the number of pods that it chose', () => keepsItsPods(namespace, values));
});

describe('ScaledObject', () => {
  interface ScaledObject extends KubernetesObject {
    readonly spec: { readonly scaleTargetRef: { readonly name: string } };
  }
  let namespace: Namespace;
  let values: readonly string[];

  beforeAll(async () => {
    ({ namespace, values } = await autoscaled('ScaledObject'));
  });

  test('it names the deployment, and no second autoscaler is made', async () => {
    const { spec } = await namespace.get<ScaledObject>('scaledobject/gate-sluice');
    expect(spec.scaleTargetRef.name).toBe('gate-sluice');
    expect(await namespace.list('horizontalpodautoscalers')).toEqual([]);
  });

  test('an upgrade keeps the number of pods that it chose', () => keepsItsPods(namespace, values));
});

test('turning an autoscaler on in a running release takes no pod away', async () => {
  const namespace = await Namespace.create('scales-later');
  await namespace.install('gate', '--set', 'replicas=3');
  const wanted: number[] = [];
  const watched = await watch(namespace, 'deployment/gate-sluice', ({ spec }: Deployment) =>
    wanted.push(spec.replicas),
  );
  const values = ['--reset-values', '--values', await valuesWith('HorizontalPodAutoscaler')];
  await namespace.upgrade('gate', ...values);
  // The second one has an autoscaled revision before it.
  await namespace.upgrade('gate', ...values, '--set', 'podAnnotations.seen=again');
  await watched.stop();
  expect(wanted.length).toBeGreaterThan(2);
  expect(Math.min(...wanted)).toBe(3);
});
