/** What else must pass admission, and what must outlive an upgrade. */
import { beforeAll, expect, test } from 'vitest';
import { Namespace } from './harness/namespace.ts';
import type { KubernetesObject } from './harness/objects.ts';

let namespace: Namespace;

beforeAll(async () => {
  namespace = await Namespace.create('admission');
  await namespace.install('gate');
});

test('the pods of `helm test` are admitted and scheduled', async () => {
  // kwok ends them well without running anything: that they pass is shown elsewhere.
  const said = await namespace.helm('test', 'gate', '--timeout=60s');
  expect(said).toMatch(/TEST SUITE:.*\n(.*\n)*Phase: +Succeeded/);
});

test('the admin token is made once: neither an upgrade nor a rollback changes it', async () => {
  interface Secret extends KubernetesObject {
    readonly type: string;
    readonly data: Readonly<Record<string, string>>;
  }
  const tokens = async () =>
    (await namespace.list<Secret>('secrets'))
      .filter(({ type }) => type === 'Opaque')
      .map(({ metadata, data }) => [metadata.name, data]);
  const before = await tokens();
  expect(before).toHaveLength(1);
  expect(Buffer.from(Object.values(before[0]![1]!)[0]!, 'base64').length).toBeGreaterThanOrEqual(32);
  await namespace.upgrade('gate', '--set', 'replicas=2');
  expect(await tokens()).toEqual(before);
  await namespace.helm('rollback', 'gate', '1', '--wait', '--timeout=60s');
  expect(await tokens()).toEqual(before);
});
