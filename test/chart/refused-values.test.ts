import { describe, expect, test } from 'vitest';
import { refusal, render } from './helm.ts';

/** A route, whole but for what is tried. */
const route = (more: object) => ({ config: { routes: [{ name: 'a', upstream: 'http://a:1', ...more }] } });

describe('a value of the wrong type is refused with its name', () => {
  test.each([
    ['/replicas', 'got string, want integer', { replicas: 'two' }],
    ['/service/port', 'maximum', { service: { port: 70000 } }],
    ['/image/digest', 'does not match pattern', { image: { digest: 'sha256:abc' } }],
    ['/mode', 'value must be one of', { mode: 'daemonset' }],
    ['/resources/limits/memory', 'does not match pattern', { resources: { limits: { memory: '512 MB' } } }],
    ['/tcpWmem', 'does not match pattern', { tcpWmem: '4096' }],
    ['/config/listen/address', 'does not match pattern', { config: { listen: { address: '0.0.0.0' } } }],
    ['/config/drain/deadline', 'does not match pattern', { config: { drain: { deadline: 'never' } } }],
    [
      '/config/routes/0/limits/client/max_message_size',
      "'20 MiBs' does not match",
      route({ limits: { client: { max_message_size: '20 MiBs' } } }),
    ],
    [
      '/config/routes/0/limits/upstream/max_fragments',
      'got string, want integer',
      route({ limits: { upstream: { max_fragments: 'many' } } }),
    ],
    ['/config/routes/0/preset', 'value must be one of', route({ preset: 'pannel' })],
    // YAML 1.1, which Helm reads, makes false of an off without quotes.
    ['/config/routes/0/ping/client', 'got boolean, want string', route({ ping: { client: false } })],
  ])('%s: %s', async (path, problem, values) => {
    const words = await refusal(values);
    expect(words).toContain(`at '${path}'`);
    expect(words).toContain(problem);
  });
});

describe('a key that nobody reads is refused with its name', () => {
  test.each([
    ["at ''", 'replcas', { replcas: 2 }],
    ["at '/service'", 'prot', { service: { prot: 1 } }],
    ["at '/config/listen'", 'trusted_proxy', { config: { listen: { trusted_proxy: [] } } }],
    ["at '/config/routes/0/limits/client'", 'max_size', route({ limits: { client: { max_size: '1MiB' } } })],
  ])('%s: %s', async (place, key, values) => {
    const words = await refusal(values);
    expect(words).toContain(place);
    expect(words).toContain(`'${key}' not allowed`);
  });
});

test('a route without an upstream is refused', async () => {
  expect(await refusal({ config: { routes: [{ name: 'a' }] } })).toContain("missing property 'upstream'");
});

const routes = (...all: object[]) => ({
  config: { routes: all.map((one) => ({ name: 'a', upstream: 'http://a:1', ...one })) },
});
const ingress = (...hosts: object[]) => ({ ingress: { enabled: true, hosts } });

describe('what cannot work in a pod is refused with what to do', () => {
  test.each<[string, object, string]>([
    [
      'listening on loopback',
      { config: { listen: { address: '127.0.0.1:8080' } } },
      'Leave it out, or write 0.0.0.0:8080',
    ],
    [
      'an admin port on loopback',
      { config: { admin: { address: 'localhost:9090' } } },
      'nobody outside the pod reaches',
    ],
    ['one port twice', { config: { admin: { address: '[::]:8080' } } }, 'is that of config.listen.address too'],
    ['a free port', { config: { listen: { address: '0.0.0.0:0' } } }, 'needs to know the port'],
    ['a port of root', { config: { listen: { address: '0.0.0.0:80' } } }, 'the public port is service.port'],
    [
      'a token that is not there',
      { config: { admin: { token_file: '/x' } } },
      'one of your own is admin.existingSecret',
    ],
    [
      'a certificate that is not there',
      { config: { listen: { tls: { cert: '/certs/a', key: '/certs/b' } } } },
      'config.listen.tls.cert is /certs/a, which is not in the pod; mount it',
    ],
    [
      'a password of no store',
      { quotas: { existingSecret: 'store' } },
      'there is no store that it is the password of; write config.quotas.store',
    ],
    [
      'a password twice',
      { quotas: { existingSecret: 's' }, config: { quotas: { store: 'redis://a', password_file: '/x' } } },
      'exclude each other, because each names the password',
    ],
    [
      'a password that is not there',
      { config: { quotas: { store: 'redis://a', password_file: '/x' } } },
      'config.quotas.password_file is /x, which is not in the pod; mount it with extraVolumes and extraVolumeMounts, or use quotas.existingSecret',
    ],
    ['two routes of one name', routes({}, { match: { path: '/b' } }), 'a is the name of two routes'],
    ['two routes of one match', routes({}, { name: 'b', match: { path: '/**' } }), 'b matches the same requests as a'],
    [
      'one spelling of another',
      routes({ match: { path: '/a' } }, { name: 'b', match: { path: '/%61/' } }),
      'the same requests',
    ],
    ['a host twice', routes({ match: { hosts: ['a.org', 'A.org'] } }), 'a lists a host twice'],
    [
      'the name of a preset’s route',
      routes({ preset: 'jupyter' }, { name: 'a-rooms', match: { path: '/b' } }),
      'that preset jupyter brings with a',
    ],
    ['itself as its upstream', routes({ upstream: 'http://rel-sluice:8080' }), "which is Sluice's own Service"],
    ['a name that begins with a digit', { fullnameOverride: '9lives' }, 'with a letter first'],
    ['a name with a dot', { fullnameOverride: 'a.b' }, 'which no Service may have'],
    ['a name that is no label', { fullnameOverride: 'a', nameOverride: 'x y' }, 'app.kubernetes.io/name: x y'],
    ['labels that select', { podLabels: { 'app.kubernetes.io/name': 'x' } }, 'podLabels has app.kubernetes.io/name'],
    ['a label that is none', { podLabels: { team: 'my team!' } }, 'make an annotation of team'],
    [
      'buffers beyond the memory limit',
      { config: { memory: { max_buffered: '2GiB' } } },
      'so the kernel would kill the pod',
    ],
    [
      'half of that with TLS',
      { config: { memory: { max_buffered: '200MiB' } }, tls: { existingSecret: 't' } },
      'counted twice with TLS',
    ],
    ['a heap that is too small', { memory: { maxOldSpaceSize: 16 } }, 'leaves V8 16 MiB'],
    [
      'requests above limits',
      { resources: { requests: { memory: '1Gi' } } },
      'resources.requests.memory is 1Gi and the limit 512Mi',
    ],
    [
      'requests of CPU above limits',
      { resources: { requests: { cpu: '1500m' }, limits: { cpu: 1 } } },
      'resources.requests.cpu',
    ],
    [
      'a minimum above the maximum',
      { autoscaling: { minReplicas: 12 } },
      'autoscaling.minReplicas is 12 and maxReplicas 10',
    ],
    ['an Ingress without hosts', ingress(), 'ingress.hosts is empty'],
    ['a host in capitals', ingress({ host: 'X.org', paths: [{ path: '/' }] }), '"X.org" is no host'],
    ['a path of an Ingress', ingress({ paths: [{ path: '/a//b' }] }), '"/a//b" is one that Kubernetes refuses'],
    ['a slow scrape', { metrics: { podMonitor: { scrapeTimeout: '1m30s' } } }, 'longer than its interval of 15s'],
    [
      'a Service that finds no pods',
      { service: { extraSpec: { selector: { a: 'b' } } } },
      'service.extraSpec.selector',
    ],
    [
      'two certificates',
      { tls: { existingSecret: 't' }, config: { listen: { tls: { cert: '/a', key: '/b' } } } },
      'exclude each other',
    ],
    [
      'more certificates without a first one',
      { tls: { additionalSecrets: ['wild-tls'] } },
      'tls.additionalSecrets come beside tls.existingSecret',
    ],
    [
      'authorities of clients without TLS',
      { tls: { clientCertificates: { existingSecret: 'ca' } } },
      'tls.clientCertificates need TLS',
    ],
    [
      'two lists of authorities',
      { tls: { existingSecret: 't', clientCertificates: { existingSecret: 'a', existingConfigMap: 'b' } } },
      'tls.clientCertificates.existingSecret and existingConfigMap exclude each other',
    ],
    [
      'what is revoked of nobody',
      { tls: { existingSecret: 't', clientCertificates: { crlKey: 'crl' } } },
      'tls.clientCertificates.crlKey is crl, and nothing is named that has it',
    ],
    [
      'a test without the certificate that it needs',
      { tls: { existingSecret: 't', clientCertificates: { existingSecret: 'a' } } },
      'tls.clientCertificates.required is true, and the pod of `helm test` has no certificate',
    ],
    [
      'a Secret and a ConfigMap at one place',
      { auth: { existingSecrets: ['a'], existingConfigMaps: ['a'] } },
      'both name a, and each would be /etc/sluice/auth/a',
    ],
    [
      'a file of a Secret that is not named',
      routes({ auth: [{ basic: { file: '/etc/sluice/auth/workshop/users' } }] }),
      'which is not in the pod; name its Secret in auth.existingSecrets',
    ],
    [
      'a file of users that is nowhere',
      routes({ auth: [{ basic: { file: '/users' } }] }),
      'or name its Secret in auth.existingSecrets and write /etc/sluice/auth/SECRET/KEY',
    ],
    [
      'a mount over a Secret',
      { auth: { existingSecrets: ['a'] }, extraVolumeMounts: [{ name: 'a', mountPath: '/etc/sluice/auth/a' }] },
      "hide Sluice's own files",
    ],
    ['null for the authorities', { tls: { clientCertificates: null } }, 'tls.clientCertificates is null'],
    [
      'a mount over Sluice',
      { extraVolumeMounts: [{ name: 'a', mountPath: '/etc/sluice/' }] },
      "hide Sluice's own files",
    ],
    ['a container of its name', { extraContainers: [{ name: 'sluice', image: 'a' }] }, 'of the name sluice'],
    ['a kill before the goodbye', { terminationGracePeriodSeconds: 30 }, 'a drain takes up to 60 s'],
    [
      'a kill before the goodbye, after a pause',
      { terminationGracePeriodSeconds: 70, lifecycle: { preStop: { sleep: { seconds: 20 } } } },
      'after 20 s of preStop',
    ],
    ['a pod without any DNS', { dnsPolicy: 'None' }, 'dnsConfig.nameservers names no server'],
    ['root that may not be root', { securityContext: { runAsUser: 0 } }, 'securityContext.runAsUser is 0'],
    ['an object that is none', { extraObjects: ['a: b'] }, 'extraObjects[0] is no manifest, for it has no kind'],
    ['no configuration', { config: null }, 'config is null; leave it out'],
    ['no Service', { service: null }, 'service is null'],
    ['no probe', { probes: { startup: null } }, 'probes.startup is null'],
    ['no number of pods', { replicas: null }, 'replicas is null'],
  ])('%s', async (_, values, words) => {
    expect(await refusal(values)).toContain(words);
  });

  test('values of an earlier chart, with the flag that takes what is new', async () => {
    const values = { check: null, strategy: null };
    expect(await refusal(values, { upgrade: true })).toMatch(/check is null[\s\S]*--reset-then-reuse-values/);
    expect(await refusal(values)).not.toContain('reuse');
  });

  test.each<[string, object, string]>([
    ['/image/repository', { image: { repository: 'reg/sluice:1' } }, 'does not match pattern'],
    ['/image/repository', { image: { repository: 'https://reg/sluice' } }, 'does not match pattern'],
    [
      '/config/listen/trusted_proxies/0',
      { config: { listen: { trusted_proxies: ['300.1.1.1/8'] } } },
      'does not match pattern',
    ],
    ['/config/listen/address', { config: { listen: { address: '0.0.0.0:99999' } } }, 'does not match pattern'],
    ['/config/routes/0/match/path', routes({ match: { path: '/a*' } }), 'does not match pattern'],
    [
      '/podDisruptionBudget/maxUnavailable',
      { podDisruptionBudget: { maxUnavailable: '0%' } },
      'does not match pattern',
    ],
    ['/ingress/hosts/0', ingress({ host: 'x.org' }), "missing property 'paths'"],
    ['/commonLabels/team', { commonLabels: { team: 'my team!' } }, 'does not match pattern'],
  ])('%s: %j', async (path, values, problem) => {
    const words = await refusal(values);
    expect(words).toContain(`at '${path}'`);
    expect(words).toContain(problem);
  });

  test('a release whose name no Service may have, with the way out', async () => {
    await expect(render({ release: '1panel' })).rejects.toThrow('write fullnameOverride in lower-case letters');
    await expect(render({ release: 'my.release' })).rejects.toThrow('the name my.release-sluice');
    await render({ release: '1panel', values: { fullnameOverride: 'panel-gate' } });
  });

  test('more routes than a ConfigMap holds, and more values than Sluice reads', async () => {
    const many = (count: number, more: object) =>
      routes(...Array.from({ length: count }, (_, i) => ({ name: `r${i}`, match: { path: `/user/u${i}` }, ...more })));
    expect(
      await refusal(many(6000, { origins: [`https://${'a'.repeat(60)}.${'b'.repeat(60)}.example.org`] })),
    ).toContain('a ConfigMap holds 1 MiB');
    expect(await refusal(many(7500, { require_origin: true, idle_timeout: '1m' }))).toContain('more than 50000 values');
    await render({ values: many(3000, {}) });
  });
});

test('what is right is taken', async () => {
  for (const values of [
    { resources: null },
    { resources: { limits: { memory: '1Pi' } } },
    { metrics: { podMonitor: { enabled: true, interval: '1m30s', scrapeTimeout: '' } } },
    { podSecurityContext: null, securityContext: null },
    {
      config: { listen: { address: '0.0.0.0:80' } },
      podSecurityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
    },
    {
      config: { listen: { tls: { cert: '/certs/a', key: '/certs/b' } } },
      extraVolumeMounts: [{ name: 'c', mountPath: '/certs' }],
    },
    { strategy: { type: 'Recreate', rollingUpdate: null } },
    {
      extraObjects: [
        '{{ if false }}x{{ end }}',
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}',
      ],
    },
    routes({ preset: 'jupyter' }, { name: 'a-rooms', match: { path: '/**/api/collaboration/room/' } }),
  ]) {
    await render({ values });
  }
});

describe('values that exclude each other are refused with what to do', () => {
  const keda = { enabled: true, serverAddress: 'http://prometheus:9090' };

  test.each([
    ['both autoscalers', { autoscaling: { hpa: { enabled: true }, keda } }, 'exclude each other'],
    [
      'KEDA without Prometheus',
      { autoscaling: { keda: { enabled: true } } },
      'autoscaling.keda.serverAddress is empty',
    ],
    [
      'both monitors',
      { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } },
      'scraped twice; turn one off',
    ],
    ['less memory than Node needs', { resources: { limits: { memory: '128Mi' } } }, 'write 192Mi or more'],
    [
      'more memory than there is',
      { memory: { bufferedPercent: 60, heapPercent: 40 } },
      'are more than 80 % of resources.limits.memory (512Mi) together',
    ],
    ['an HTTPRoute to nowhere', { httpRoute: { enabled: true } }, 'httpRoute.parentRefs is empty'],
    [
      'an Ingress to a sidecar',
      { mode: 'sidecar', ingress: { enabled: true } },
      'ingress.enabled does nothing in mode',
    ],
    [
      'a ServiceMonitor of a sidecar',
      { mode: 'sidecar', metrics: { serviceMonitor: { enabled: true } } },
      'turn it off, and metrics.podMonitor.enabled on',
    ],
    [
      'a sysctl for the pods of another chart',
      { mode: 'sidecar', tcpWmem: '4096 16384 1048576' },
      'tcpWmem does nothing in mode: sidecar',
    ],
    [
      'a target without a budget to take it from',
      { resources: { limits: null }, autoscaling: { hpa: { enabled: true } } },
      'autoscaling.targets.bufferedBytes is empty',
    ],
  ])('%s', async (_, values, words) => {
    expect(await refusal(values)).toContain(words);
  });

  test('each of them alone is taken', async () => {
    await render({ values: { autoscaling: { keda } } });
    await render({ values: { autoscaling: { hpa: { enabled: true } } } });
    await render({ values: { mode: 'sidecar', metrics: { podMonitor: { enabled: true } } } });
  });
});
