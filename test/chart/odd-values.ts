/**
 * Values files as people and their tools write them, odd ones among them: edits of the chart's defaults, each at one
 * place.
 */
import fc from 'fast-check';

/** A release's name and its values. */
export interface Attempt {
  readonly release: string;
  readonly values: object;
}

type Edit = readonly [path: string, value: unknown];

const sizes = ['20MiB', '150MB', '1B', 4096, 9007199254740991, '0MiB', '8192TiB', '20 MiB', '512Mi', 0, 'unlimited'];
const durations = ['500ms', '30s', '5m', '1h', '596h', '597h', '0', 'off', 0, false, '1m30s', '90', '0s'];
const addresses = [
  '0.0.0.0:8080',
  '[::]:8080',
  '0.0.0.0:8443',
  '[::]:9999',
  '0.0.0.0:1024',
  '0.0.0.0:80',
  '0.0.0.0:0',
  '0.0.0.0:99999',
  '127.0.0.1:8080',
  '[::1]:8080',
  'localhost:8080',
  '10.1.2.3:8080',
  'unix:/run/sluice.sock',
  '8080',
  ':8080',
];
const amounts = ['512Mi', '1Gi', '1Pi', '1.5G', 536870912, '192Mi', '191Mi', '128Mi', '1536000000m', '512MB', '', null];
const labels = [
  { team: 'data' },
  { 'example.org/tier': 'edge' },
  { team: 'my team!' },
  { 'app.kubernetes.io/name': 'x' },
  { 'app.kubernetes.io/instance': 'x' },
  { 'a b': 'c' },
  { team: 'x'.repeat(64) },
  { team: 1 },
  null,
];
const percents = [1, 10, 25, 30, 45, 60, 90, 0];
const intervals = ['15s', '1m30s', '30s', '1m', '', '10', '1h', 'often', '500ms'];
const names = ['panel', 'a', 'A.b_c-1', '0o17', '1e3', 'true', 'null', 'x y', '-a', 'ä', 'n'.repeat(64), 7];
const hostNames = [
  'apps.example.org',
  '*.example.org',
  'APPS.example.org',
  '10.0.0.1',
  '[::1]',
  'a..b',
  '*',
  '1.2.3',
  'a:80',
];
const paths = [
  '/',
  '/app',
  '/app/',
  '/a/*',
  '/a/**',
  '/a/**/',
  '/%61',
  '/a',
  '/**',
  '/user/*/x',
  '/a*',
  '//',
  '/%2e',
  '/..',
  'a',
  '/b?c',
];
const upstreams = [
  'http://panel:5006',
  'https://a.example',
  'http://[::1]:1',
  'http://10.0.0.1:80',
  'http://rel-sluice:8080',
  'http://a/b',
  'ws://a',
  'http://a:0',
  'a:1',
];
const presets = ['panel', 'jupyter', 'jupyter-collaboration', 'uvicorn', 'pannel'];

/** By the place in the values: what to write there. The first half of a list is mostly right. */
const places: Readonly<Record<string, readonly unknown[]>> = {
  'config.listen.address': addresses,
  'config.admin.address': ['0.0.0.0:9090', '[::]:9090', ...addresses],
  'config.listen.trusted_proxies': [
    ['10.0.0.0/8'],
    ['fd00::/8', '127.0.0.6'],
    ['::ffff:10.0.0.0/104'],
    ['300.1.1.1/8'],
    ['10.0.0.0/33'],
    ['x'],
    null,
  ],
  'config.listen.tls': [{ cert: '/certs/tls.crt', key: '/certs/tls.key' }, { cert: '/etc/sluice/tls/a' }, null],
  'config.admin.token_file': ['/x', '/certs/token', ''],
  'config.memory.max_buffered': ['64MiB', '100MB', 67108864, '2GiB', '512KiB', ...sizes],
  'config.drain.deadline': ['25s', '2m', '1h', ...durations],
  'config.drain.announce': durations,
  'config.drain.spread': durations,
  'config.timeouts.connect': durations,
  'config.timeouts.close': durations,
  'config.defaults.limits.client.max_message_size': sizes,
  'config.defaults.limits.client.max_message_rate': [
    '100/s',
    { rate: '10/s', burst: 20, action: 'close' },
    'unlimited',
    '0/s',
    { burst: 1 },
  ],
  'config.defaults.limits.upstream.max_byte_rate': [
    '10MiB/s',
    { rate: '1MB/s', burst: '2MB' },
    '10/s',
    { rate: '0B/s' },
  ],
  'config.defaults.limits.connections.max': [10, 10000, 0, 1.5, '10', 1e9, 1e10],
  'config.defaults.idle_timeout': durations,
  'config.defaults.drain.deadline': ['90s', ...durations],
  'config.defaults': [{}, null],
  'config.drain': [{}, null],
  config: [null, {}],
  resources: [
    null,
    {},
    { limits: null },
    { limits: { memory: '1Gi' }, requests: { memory: '2Gi' } },
    { limits: { cpu: '1' }, requests: { cpu: '2000m' } },
  ],
  'resources.limits.memory': amounts,
  'resources.requests.memory': amounts,
  'resources.requests.cpu': ['250m', 1, '2', '0.5', 'x'],
  'memory.bufferedPercent': percents,
  'memory.heapPercent': percents,
  'memory.maxOldSpaceSize': [0, 100, 200, 10, 2000],
  'tls.existingSecret': ['example-tls', 'Example_TLS'],
  'tls.additionalSecrets': [['wild-tls'], ['wild-tls', 'more-tls'], ['a', 'a'], ['Example_TLS'], null],
  'tls.clientCertificates': [
    { existingConfigMap: 'authorities', required: false },
    { existingSecret: 'authorities', crlKey: 'crl', required: false },
    { existingSecret: 'authorities' },
    { existingConfigMap: 'a', existingSecret: 'b' },
    { crlKey: 'crl' },
    { caKey: '' },
    null,
  ],
  auth: [
    { existingSecrets: ['workshop'] },
    { existingSecrets: ['workshop', 'hub-service'], existingConfigMaps: ['keys'] },
    { existingSecrets: ['a'], existingConfigMaps: ['a'] },
    { existingSecrets: ['a b'] },
    null,
  ],
  'admin.existingSecret': ['sluice-token', 'a b'],
  'quotas.existingSecret': ['store', 'a b'],
  'service.port': [80, 443, 8080, 0, 70000],
  'service.type': ['NodePort', 'LoadBalancer', 'ExternalName', null],
  'service.nodePort': [0, 30080],
  'service.extraSpec': [
    { ipFamilyPolicy: 'PreferDualStack' },
    { externalTrafficPolicy: 'Local' },
    { selector: { a: 'b' } },
    { ports: [] },
    null,
  ],
  'service.labels': labels,
  'service.annotations': [{ a: 'b' }, { 'a b': 'c' }, null],
  commonLabels: labels,
  commonAnnotations: [{ 'example.org/a': 'b c' }, { 'a b': 'c' }, null],
  podLabels: [...labels, { release: '{{ .Release.Name }}' }],
  podAnnotations: [{ release: '{{ .Release.Name }}' }, null],
  nameOverride: ['sluice', 'Gate.1', 'x y', 'n'.repeat(70), ''],
  fullnameOverride: ['gate', 'panel', 'My_Gate', '9lives', 'a.b', 'n'.repeat(70), 'schleuse-ä'],
  'image.repository': [
    'registry.example.org/sluice',
    'localhost:5000/team/sluice',
    'reg/sluice:1',
    'https://reg/sluice',
    'Sluice',
    '',
  ],
  'image.tag': ['0.1.0', '', '1.0', 'sha256:abc', 1, '-x'],
  'image.digest': ['', `sha256:${'a'.repeat(64)}`, 'sha256:abc'],
  replicas: [0, 1, 3, '2', null, -1],
  minReadySeconds: [0, 30, 700],
  terminationGracePeriodSeconds: [0, 62, 75, 3600, 30, 1],
  strategy: [
    { type: 'Recreate', rollingUpdate: null },
    { rollingUpdate: { maxUnavailable: 1 } },
    { type: 'Recreate' },
    null,
  ],
  lifecycle: [{ preStop: { sleep: { seconds: 5 } } }, null],
  'autoscaling.hpa.enabled': [true],
  'autoscaling.keda': [{ enabled: true, serverAddress: 'http://p:9090' }, { enabled: true }],
  'autoscaling.minReplicas': [1, 2, 10, 12],
  'autoscaling.targets.bufferedBytes': ['64Mi', '', 'much'],
  'podDisruptionBudget.maxUnavailable': [1, '50%', '100%', '0%', 0, '120%', null],
  'networkPolicy.enabled': [true],
  ingress: [
    { enabled: true },
    { enabled: true, hosts: [] },
    { enabled: true, hosts: [{ host: 'x.org' }] },
    { enabled: true, hosts: [{ host: 'X.org', paths: [{ path: '/' }] }] },
    { enabled: true, hosts: [{ paths: [{ path: '/a#b' }] }] },
    null,
  ],
  httpRoute: [
    { enabled: true, parentRefs: [{ name: 'g' }] },
    { enabled: true },
    { enabled: true, parentRefs: [{ name: 'g' }], hostnames: ['A_b'] },
  ],
  metrics: [
    { serviceMonitor: { enabled: true } },
    { podMonitor: { enabled: true, honorLabels: true } },
    { rules: { enabled: true } },
    null,
  ],
  'metrics.podMonitor.interval': intervals,
  'metrics.podMonitor.scrapeTimeout': intervals,
  'metrics.podMonitor.enabled': [true],
  'metrics.podMonitor.sampleLimit': [0, 20000],
  'metrics.podMonitor.tlsConfig': [{ insecureSkipVerify: true }, null],
  podSecurityContext: [
    null,
    { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
    { runAsUser: null },
  ],
  securityContext: [null, { runAsUser: null }],
  'probes.startup': [null, { failureThreshold: 120 }],
  tcpWmem: ['4096 16384 1048576', '4096'],
  serviceAccount: [{ create: true }, { name: 'mine' }, { create: true, name: 'A' }],
  hostAliases: [[{ ip: '10.0.0.1', hostnames: ['a'] }], null],
  dnsConfig: [{ options: [{ name: 'ndots', value: '1' }] }, null],
  initContainers: [[{ name: 'first', image: 'busybox' }], null],
  extraEnv: [[{ name: 'TZ', value: 'UTC' }], [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=100' }], null],
  extraContainers: [[{ name: 'beside', image: 'busybox' }], [{ name: 'sluice', image: 'busybox' }]],
  extraVolumes: [[{ name: 'certs', secret: { secretName: 'example-tls' } }], null],
  extraVolumeMounts: [[{ name: 'certs', mountPath: '/certs' }], [{ name: 'certs', mountPath: '/etc/sluice' }], null],
  'test.enabled': [false],
  'check.enabled': [false],
  'check.resources': [null, { limits: { memory: '64Mi' } }],
  mode: ['gateway', 'sidecar', 'daemonset'],
  unknown: [1],
};

/** Mostly the first half of a list. */
function likely<T>(all: readonly T[]): fc.Arbitrary<T> {
  const half = all.slice(0, Math.ceil(all.length / 2));
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...half) },
    { weight: 1, arbitrary: fc.constantFrom(...all) },
  );
}

const edit: fc.Arbitrary<Edit> = fc
  .constantFrom(...Object.keys(places))
  .chain((path) => likely(places[path]!).map((value): Edit => [path, value]));

const route = fc.record(
  {
    name: fc.oneof(fc.constantFrom('a', 'a-rooms', 'b'), likely(names)),
    upstream: likely(upstreams),
    match: fc.record(
      { hosts: fc.array(likely(hostNames), { minLength: 1, maxLength: 3 }), path: likely(paths) },
      { requiredKeys: [] },
    ),
    preset: likely(presets),
    origins: fc.array(likely(['https://apps.example.org', 'http://localhost:1', 'http://apps.0', '*']), {
      minLength: 1,
      maxLength: 2,
    }),
    limits: likely([
      { client: { max_message_size: '1MiB' } },
      { mode: 'report' },
      { client: { max_message_size: '1Mi' } },
    ]),
    drain: likely([{ deadline: '5m' }, { close: 'wait' }, { deadline: 'off' }]),
  },
  { requiredKeys: ['name', 'upstream'] },
);

/** Some edits of the defaults, and in every other case routes of its own. */
export const attempts: fc.Arbitrary<Attempt> = fc.record({
  release: likely(['rel', 'sluice', 'team-panel', 'panel', '1panel', 'my.release', 'r'.repeat(53)]),
  values: fc
    .record({
      edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
      routes: fc.option(fc.array(route, { minLength: 1, maxLength: 3 }), { freq: 2 }),
    })
    .map(({ edits, routes }) => {
      const values: Record<string, unknown> = {};
      for (const [path, value] of [...edits, ...(routes ? [['config.routes', routes] as Edit] : [])]) {
        place(values, path.split('.'), value);
      }
      return values;
    }),
});

/** Writes a value at a path; what stood in the way and is no mapping goes. */
function place(into: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[key!] = value;
    return;
  }
  const inner = into[key!];
  const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  into[key!] = next;
  place(next as Record<string, unknown>, rest, value);
}
