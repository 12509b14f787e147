/**
 * Every values file that the chart promises to work with, taken by a real API server and brought up by real
 * controllers.
 */
import { basename } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseManifests } from './harness/manifests.ts';
import { Namespace } from './harness/namespace.ts';
import { type Deployment, isReady, type Pod } from './harness/objects.ts';
import { valuesFiles } from './harness/paths.ts';
import { danglingReferences } from './harness/references.ts';
import { render } from './harness/render.ts';

const files = valuesFiles();

test('the chart brings values files', () => {
  expect(files.length).toBeGreaterThan(0);
});

// Most of it is waiting.
describe.concurrent.each(files.map((file) => ({ file, name: basename(file, '-values.yaml') })))(
  '$name',
  ({ file, name }) => {
    test('whatever names pods, ports or services names some that are there', async () => {
      expect(danglingReferences(parseManifests(await render(file, 'default')))).toEqual([]);
    });

    test('each object is accepted without a warning', async () => {
      const namespace = await Namespace.create(`accepts-${name}`);
      const answer = await namespace.apply(await render(file, namespace.name), '--dry-run=server');
      // A warning is a Pod Security finding, a field that will go, or one that the server does not know.
      expect(answer).toMatchObject({ ok: true, stderr: '' });
    });

    test('it comes up under Pod Security "restricted", and leaves nothing behind', async () => {
      const namespace = await Namespace.create(`installs-${name}`);
      await namespace.install('sluice', '--values', file);
      expect((await namespace.everything()).length).toBeGreaterThan(0);
      // An autoscaler may raise the number of pods at its first look.
      await vi.waitFor(
        async () => {
          const deployments = await namespace.list<Deployment>('deployments');
          const ready = (await namespace.list<Pod>('pods')).filter(isReady);
          expect(ready).toHaveLength(deployments.reduce((sum, { spec }) => sum + spec.replicas, 0));
        },
        { timeout: 30_000, interval: 250 },
      );
      expect(await namespace.events('FailedCreate')).toEqual([]);

      await namespace.helm('uninstall', 'sluice', '--wait', '--timeout=60s');
      await vi.waitFor(async () => expect(await namespace.everything()).toEqual([]), {
        timeout: 30_000,
        interval: 500,
      });
    });
  },
);
