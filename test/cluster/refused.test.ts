/**
 * That the server really looks: what the chart makes is accepted, and the same object with one field broken is refused.
 * Custom resources count too: their definitions are loaded.
 */
import { beforeAll, expect, test } from 'vitest';
import { type Manifest, parseManifests } from './harness/manifests.ts';
import { Namespace } from './harness/namespace.ts';
import { valuesFiles } from './harness/paths.ts';
import { render } from './harness/render.ts';

let namespace: Namespace;
const made = new Map<string, Manifest>();

/** One object of each kind that any values file turns on. */
beforeAll(async () => {
  namespace = await Namespace.create('refuses');
  for (const file of valuesFiles()) {
    for (const manifest of parseManifests(await render(file, namespace.name))) {
      if (!made.has(manifest.kind)) made.set(manifest.kind, manifest);
    }
  }
});

const broken: readonly [kind: string, breaks: (manifest: Manifest) => void, says: string][] = [
  [
    'Deployment',
    ({ spec }) => Object.assign(spec.selector.matchLabels, { more: 'label' }),
    '`selector` does not match',
  ],
  ['Service', ({ spec }) => Object.assign(spec.ports[0], { port: 99_999 }), 'spec.ports[0].port'],
  [
    'PodDisruptionBudget',
    ({ spec }) => Object.assign(spec, { minAvailable: 1, maxUnavailable: 1 }),
    'cannot be both set',
  ],
  [
    'NetworkPolicy',
    ({ spec }) => Object.assign(spec.ingress[0].ports[0], { port: 99_999 }),
    'spec.ingress[0].ports[0].port',
  ],
  ['Ingress', ({ spec }) => delete spec.rules[0].http.paths[0].pathType, 'pathType'],
  [
    'HorizontalPodAutoscaler',
    ({ spec }) => Object.assign(spec, { minReplicas: 9, maxReplicas: 2 }),
    'spec.maxReplicas',
  ],
  ['HTTPRoute', ({ spec }) => delete spec.rules[0].backendRefs[0].port, 'Must have port for Service reference'],
  ['ScaledObject', ({ spec }) => delete spec.triggers, 'spec.triggers: Required value'],
  [
    'ServiceMonitor',
    ({ spec }) => Object.assign(spec.endpoints[0], { interval: 'often' }),
    'spec.endpoints[0].interval',
  ],
  [
    'PodMonitor',
    ({ spec }) => Object.assign(spec.podMetricsEndpoints[0], { interval: 'often' }),
    'podMetricsEndpoints',
  ],
  ['PrometheusRule', ({ spec }) => delete spec.groups[0].rules[0].expr, 'expr: Required value'],
];

test.each(broken)('%s: the chart’s is accepted, a broken one is not', async (kind, breaks, says) => {
  const good = made.get(kind);
  expect(good, `no values file makes a ${kind}`).toBeDefined();
  const ask = (manifest: Manifest) => namespace.apply(JSON.stringify(manifest), '--dry-run=server');
  expect(await ask(good!)).toMatchObject({ ok: true, stderr: '' });

  const bad = structuredClone(good!);
  breaks(bad);
  const answer = await ask(bad);
  expect(answer.ok).toBe(false);
  expect(answer.stderr).toContain(says);
});

test('a field that does not exist is refused, also in a custom resource', async () => {
  const monitor = structuredClone(made.get('ServiceMonitor')!);
  monitor.spec.endpoint = monitor.spec.endpoints;
  const answer = await namespace.apply(JSON.stringify(monitor), '--dry-run=server');
  expect(answer).toMatchObject({ ok: false, stderr: expect.stringContaining('unknown field "spec.endpoint"') });
});

test('Pod Security is enforced on pods: without its security context the chart’s Deployment makes none', async () => {
  const deployment = structuredClone(made.get('Deployment')!);
  for (const container of deployment.spec.template.spec.containers) delete container.securityContext;
  delete deployment.spec.template.spec.securityContext;
  expect((await namespace.apply(JSON.stringify(deployment))).ok).toBe(true);
  await expect
    .poll(() => namespace.events('FailedCreate'), { timeout: 30_000, interval: 250 })
    .toContainEqual(expect.stringContaining('violates PodSecurity "restricted'));
  expect(await namespace.list('pods')).toEqual([]);
});
