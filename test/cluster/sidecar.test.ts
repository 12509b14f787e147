/** The placement for Panel with several replicas: the example chart, whose pods carry Sluice beside the app. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { scratchDirectory } from '../real/harness/paths.ts';
import { Namespace } from './harness/namespace.ts';
import { type EndpointSlice, isReady, type Pod } from './harness/objects.ts';
import { chart } from './harness/paths.ts';

let namespace: Namespace;
let example: string;

beforeAll(async () => {
  // Helm puts the dependency into the example's folder: not in the checkout.
  const copy = join(scratchDirectory('sidecar'), 'sluice');
  cpSync(chart, copy, { recursive: true });
  example = join(copy, 'examples/panel-sidecar');
  namespace = await Namespace.create('sidecar');
  await namespace.helm('dependency', 'update', example);
  await namespace.helm('install', 'panel', example, '--wait', '--timeout=60s');
});

const pods = () => namespace.list<Pod>('pods', 'app=panel');
const names = async () => (await pods()).map(({ metadata }) => metadata.name).sort();
/**
 * To the example's values and these; without the reset, Helm would keep those of the last upgrade where none are given.
 */
const upgrade = (...values: readonly string[]) =>
  namespace.helm('upgrade', 'panel', example, '--reset-values', '--wait', '--timeout=60s', ...values);

/** Where the Service sends: ports of ready pods. */
async function targets(): Promise<number[]> {
  const slices = await namespace.list<EndpointSlice>('endpointslices', 'kubernetes.io/service-name=panel');
  return slices.flatMap(({ endpoints, ports }) =>
    (endpoints ?? []).filter(({ conditions }) => conditions.ready).map(() => ports![0]!.port),
  );
}

test('each pod of the app has Sluice in it, is admitted under "restricted" and becomes ready', async () => {
  const all = await pods();
  expect(all.filter(isReady)).toHaveLength(3);
  for (const { spec } of all) expect(spec.containers.map(({ name }) => name).sort()).toEqual(['panel', 'sluice']);
  expect(await namespace.events('FailedCreate')).toEqual([]);
});

test('the Service sends to Sluice; its one line leads back to the app, and no pod is replaced', async () => {
  const before = await names();
  expect(await targets()).toEqual([8080, 8080, 8080]);
  await upgrade('--set', 'servicePort=panel');
  await expect.poll(targets, { timeout: 20_000, interval: 500 }).toEqual([5006, 5006, 5006]);
  await upgrade();
  await expect.poll(targets, { timeout: 20_000, interval: 500 }).toEqual([8080, 8080, 8080]);
  expect(await names()).toEqual(before);
});

test('new limits leave the app’s pods alone, a new listener setting replaces them', async () => {
  const before = await names();
  const limits = ['--set', 'sluice.config.defaults.limits.client.max_message_size=5MiB'];
  await upgrade(...limits);
  expect(await namespace.kubectl('get', 'configmaps', '--output=yaml')).toContain('5MiB');
  expect(await names()).toEqual(before);
  await upgrade(...limits, '--set', 'sluice.config.listen.trusted_proxies={10.1.0.0/16}');
  await namespace.kubectl('rollout', 'status', 'deployment/panel', '--timeout=60s');
  expect((await names()).filter((name) => before.includes(name))).toEqual([]);
});

test('removing it leaves nothing behind', async () => {
  await namespace.helm('uninstall', 'panel', '--wait', '--timeout=60s');
  await namespace.isEmpty();
});
