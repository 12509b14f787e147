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
    ['/config/routes/0/preset', 'value must be one of', route({ preset: 'streamlit' })],
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
    ['more memory than there is', { memory: { bufferedPercent: 60, heapPercent: 40 } }, 'are more than 80 together'],
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
