/** What users of other charts have reported, tried with this one. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchDirectory } from '../real/harness/paths.ts';
import { chart, find, type Manifest, refusal, render, valueFiles } from './helm.ts';

/** The pods that the manifests make, of whatever kind. */
function podsOf(all: readonly Manifest[]) {
  return all.flatMap(({ kind, spec }) => (kind === 'Pod' ? [spec] : spec?.template?.spec ? [spec.template.spec] : []));
}

test('another version of the chart rolls no pod and changes no selector, which is immutable', async () => {
  // traefik/traefik-helm-chart#714, oauth2-proxy/manifests#178
  const newer = join(scratchDirectory('newer'), 'sluice');
  cpSync(chart, newer, { recursive: true });
  const file = join(newer, 'Chart.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^version: .*$/m, 'version: 99.0.0'));
  const [before, after] = await Promise.all([render(), render({ of: newer, upgrade: true })]);
  expect(find(after, 'Deployment').metadata.labels['helm.sh/chart']).toBe('sluice-99.0.0');
  expect(find(after, 'Deployment').spec).toEqual(find(before, 'Deployment').spec);
  for (const name of ['rel-sluice', 'rel-sluice-metrics'])
    expect(find(after, 'Service', name).spec).toEqual(find(before, 'Service', name).spec);
});

test('a parent chart gives its `global` and the key of its condition', async () => {
  // jupyterhub/zero-to-jupyterhub-k8s#3160, jupyterhub/binderhub#1463
  await render({ values: { global: { imageRegistry: 'x', storageClass: null }, enabled: true } });
});

test('Recreate with what is left of RollingUpdate is refused, with the way out', async () => {
  // pangeo-data/pangeo-cloud-federation#418
  expect(await refusal({ strategy: { type: 'Recreate' } })).toContain('write strategy.rollingUpdate: null');
});

test('where a quota wants resources of every container, values can give them', async () => {
  // helm/charts#21428
  const resources = { requests: { cpu: '1', memory: '512Mi' }, limits: { cpu: '1', memory: '512Mi' } };
  const all = await render({ values: { resources, check: { resources }, test: { resources } } });
  const pods = podsOf(all);
  expect(pods).toHaveLength(3);
  for (const { containers, initContainers = [] } of pods)
    for (const container of [...containers, ...initContainers]) expect(container.resources).toEqual(resources);
});

test('an autoscaler owns the number of pods: an upgrade does not set it back', async () => {
  // traefik/traefik-helm-chart#1891
  const keda = { enabled: true, serverAddress: 'http://prometheus:9090' };
  for (const autoscaling of [{ hpa: { enabled: true } }, { keda }])
    expect(find(await render({ values: { autoscaling } }), 'Deployment').spec).not.toHaveProperty('replicas');
});

describe('`kubectl apply` writes each object into an annotation of 256 KiB', () => {
  // cilium/cilium#12004
  test.each(valueFiles.map((file) => [basename(file), file] as const))('%s', async (_, file) => {
    const metrics = { rules: { enabled: true }, dashboards: { enabled: true } };
    for (const object of await render({ files: [file], values: { metrics } }))
      expect(JSON.stringify(object).length, object.metadata.name).toBeLessThan(256 * 1024);
  });
});
