import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../real/harness/paths.ts';
import { panelSidecar } from './example.ts';
import { chart, find, type Manifest, render, tool, valueFiles } from './helm.ts';
import { faults, kubernetesVersions } from './schemas.ts';

describe.each(valueFiles.map((file) => [basename(file), file] as const))('%s', (_, file) => {
  test('passes helm lint --strict', async () => {
    const { code, output } = await tool('helm', ['lint', '--strict', chart, '--values', file]);
    expect(code, output).toBe(0);
  });

  test.each(kubernetesVersions)('renders objects that are valid in Kubernetes %s', async (version) => {
    const all = await render({ files: [file] });
    expect(all.length).toBeGreaterThan(2);
    expect(await faults(all, version)).toEqual([]);
  });

  test('gives every object a name of its own kind, the namespace and the labels', async () => {
    const made = (await render({ files: [file] })).filter(({ metadata }) => !metadata.name.includes('-extra'));
    const names = made.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of made) {
      expect(metadata.namespace).toBe('apps');
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/instance': 'rel' });
    }
  });
});

describe('the validation', () => {
  test('finds a wrong field of a built-in kind and of a custom one', async () => {
    const all = await render({ values: { metrics: { podMonitor: { enabled: true } } } });
    find(all, 'Deployment').spec.template.spec.contaners = [];
    find(all, 'PodMonitor').spec.podMetricsEndpoints[0].intervall = '15s';
    expect((await faults(all, '1.34')).join('\n')).toMatch(/contaners[\s\S]*intervall/);
  });

  test('finds a kind that has no schema', async () => {
    const unknown: Manifest = { apiVersion: 'v1', kind: 'Nothing', metadata: { name: 'x' } };
    expect(await faults([unknown], '1.34')).toHaveLength(1);
  });
});

test('a pod of every set of values fits Pod Security "restricted"', async () => {
  const all = (await Promise.all(valueFiles.map((file) => render({ files: [file] })))).flat();
  const pods = all.flatMap(({ kind, spec }) =>
    kind === 'Pod' ? [spec] : kind === 'Deployment' || kind === 'Job' ? [spec.template.spec] : [],
  );
  expect(pods.length).toBeGreaterThan(8);
  for (const pod of pods) {
    expect(pod).toMatchObject({ automountServiceAccountToken: false });
    for (const container of pod.containers) {
      expect({ ...pod.securityContext, ...container.securityContext }).toMatchObject({
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        seccompProfile: { type: 'RuntimeDefault' },
        capabilities: { drop: ['ALL'] },
      });
    }
    expect(pod.containers[0].securityContext).toMatchObject({ readOnlyRootFilesystem: true, runAsUser: 65532 });
  }
});

test('the values that docs/authentication.md shows are taken, and every file that they name is mounted', async () => {
  const docs = readFileSync(join(root, 'docs/authentication.md'), 'utf8');
  const [, block] = /^```yaml\n(tls:\n.*?)^```/ms.exec(docs)!;
  const all = await render({ values: parse(block!) });
  const mounts: { mountPath: string }[] = find(all, 'Deployment').spec.template.spec.containers[0].volumeMounts;
  const files = [...JSON.stringify(all).matchAll(/\/etc\/sluice\/(?:auth|clients|certificates|tls)\/[\w./-]+/g)];
  expect(files.length).toBeGreaterThan(8);
  for (const [file] of files) {
    expect(
      mounts.some(({ mountPath }) => file === mountPath || file.startsWith(`${mountPath}/`)),
      file,
    ).toBe(true);
  }
});

test('its unit tests pass', async () => {
  const { code, output } = await tool('helm-unittest', ['--strict', chart]);
  expect(code, output).toBe(0);
  expect(output).toMatch(/Tests: +[1-9][0-9]* passed/);
});

test('its README is what helm-docs makes of values.yaml (bash test/chart/readme.sh)', async () => {
  const { stdout } = await promisify(execFile)('bash', [join(root, 'test/chart/readme.sh'), '--print']);
  const readme = readFileSync(join(chart, 'README.md'), 'utf8');
  expect(readme.trimEnd()).toBe(stdout.trimEnd());
  expect(readme.match(/^\| `.*` \| .* \| +\|$/gm), 'values without a comment').toBe(null);
});

test('a change of limits leaves the pod template as it was; a change of the listener rolls it', async () => {
  const podTemplate = async (config: object) => {
    const routes = [{ name: 'a', upstream: 'http://a:1' }];
    return find(await render({ values: { config: { routes, ...config } } }), 'Deployment').spec.template;
  };
  const before = await podTemplate({});
  const limits = { defaults: { limits: { client: { max_message_size: '1MiB' } } }, drain: { spread: '5s' } };
  expect(await podTemplate({ ...limits, routes: [{ name: 'b', upstream: 'http://b:1' }] })).toEqual(before);
  for (const config of [{ listen: { trusted_proxies: ['10.0.0.0/8'] } }, { memory: { max_buffered: '64MiB' } }]) {
    expect(await podTemplate(config)).not.toEqual(before);
  }
  // Of the routes that a hub sets, templates alone are limits.
  const api = (more: object) => podTemplate({ routes_api: { address: '0.0.0.0:8001', ...more } });
  const hub = await api({});
  expect(await api({ templates: [{ name: 'hub', kind: 'hub' }] })).toEqual(hub);
  expect(await api({ hub_api: 'http://hub:8081/hub/api' })).not.toEqual(hub);
});

describe('the sidecar in another chart', () => {
  let all: Manifest[];
  let example: string;

  beforeAll(async () => {
    example = await panelSidecar();
    all = await render({ of: example, release: 'panel' });
  });

  test('passes helm lint and the schemas', async () => {
    const { code, output } = await tool('helm', ['lint', '--strict', example]);
    expect(code, output).toBe(0);
    for (const version of kubernetesVersions) expect(await faults(all, version)).toEqual([]);
  });

  test('is one more container of each pod, to which the Service leads', () => {
    const { spec, metadata } = find(all, 'Deployment').spec.template;
    expect(spec.containers.map(({ name }: { name: string }) => name)).toEqual(['panel', 'sluice']);
    const ports = spec.containers[1].ports.map(({ name }: { name: string }) => name);
    expect(ports).toContain(find(all, 'Service').spec.ports[0].targetPort);
    const mounted = spec.containers[1].volumeMounts.map(({ name }: { name: string }) => name);
    expect(spec.volumes.map(({ name }: { name: string }) => name)).toEqual(mounted);
    expect(metadata.annotations['checksum/listener']).toMatch(/^[0-9a-f]{64}$/);
    expect(find(all, 'Ingress').metadata.annotations).toMatchObject({
      'nginx.ingress.kubernetes.io/affinity': 'cookie',
    });
  });

  test('makes no pod ready before the app is', () => {
    const [panel] = find(all, 'Deployment').spec.template.spec.containers;
    expect(panel.ports.map(({ name }: { name: string }) => name)).toContain(panel.readinessProbe?.tcpSocket.port);
  });

  test('outlives the drain, and Panel with it', () => {
    const { spec } = find(all, 'Deployment').spec.template;
    expect(spec.containers[0].lifecycle.preStop.sleep.seconds).toBe(600);
    expect(spec.terminationGracePeriodSeconds).toBe(615);
  });

  test('has a way back of one line that changes no pod', async () => {
    const back = await render({ of: example, release: 'panel', values: { servicePort: 'panel' } });
    expect(find(back, 'Service').spec.ports[0].targetPort).toBe('panel');
    expect(find(back, 'Deployment')).toEqual(find(all, 'Deployment'));
  });
});
