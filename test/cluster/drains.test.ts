/**
 * How many pods drain at the same time in a rollout. A Deployment waits until a new pod is available before it ends an
 * old one, and not until the old one has gone: what docs/operations.md says of rolling updates.
 */
import { expect, test } from 'vitest';
import { Namespace } from './harness/namespace.ts';
import { isReady, type Pod } from './harness/objects.ts';
import { chart } from './harness/paths.ts';

const drainSeconds = 2;
const draining = (how: 'slowly' | 'for-long') => ['--set', 'replicas=3', '--set', `podAnnotations.drains=${how}`];

/** Replaces all pods; the most pods that drained at one time, and the fewest that served. */
async function rollout(
  namespace: Namespace,
  ...values: readonly string[]
): Promise<{ drained: number; served: number }> {
  const gateways = () => namespace.list<Pod>('pods', 'app.kubernetes.io/component=gateway');
  const before = new Set((await gateways()).map(({ metadata }) => metadata.uid));
  const upgrade = namespace.helm('upgrade', 'gate', chart, ...values, '--set', 'podAnnotations.seen=again');
  let drained = 0;
  let served = Number.POSITIVE_INFINITY;
  await upgrade;
  for (;;) {
    const pods = await gateways();
    const leaving = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    drained = Math.max(drained, leaving.length);
    served = Math.min(served, pods.filter((pod) => isReady(pod) && !leaving.includes(pod)).length);
    if (pods.length === 3 && !pods.some(({ metadata }) => before.has(metadata.uid))) return { drained, served };
  }
}

test('pods become ready one after the other, and drain beside each other', async () => {
  const namespace = await Namespace.create('drains');
  // Longer than three pods take to be ready on a busy machine.
  const values = draining('for-long');
  await namespace.install('gate', ...values);
  const { drained, served } = await rollout(namespace, ...values);
  expect(drained).toBe(3);
  expect(served).toBeGreaterThanOrEqual(3);
});

test('with minReadySeconds above the drain, one after the other', async () => {
  const namespace = await Namespace.create('drains-apart');
  const values = draining('slowly');
  await namespace.install('gate', ...values);
  const { drained, served } = await rollout(namespace, ...values, '--set', `minReadySeconds=${drainSeconds + 2}`);
  expect(drained).toBe(1);
  expect(served).toBeGreaterThanOrEqual(3);
});
