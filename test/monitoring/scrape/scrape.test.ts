/**
 * A real Prometheus scrapes a real gateway with traffic, both configured by what the chart renders. Every expression
 * that is shipped must then be valid and have data.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { dashboardText } from '../../../monitoring/dashboard/index.ts';
import { rulesText } from '../../../monitoring/rules-file.ts';
import { find, type Manifest, render } from '../../chart/helm.ts';
import { Release } from '../../chart/release.ts';
import { FakeStore } from '../../helpers/fake-store.ts';
import { freePort } from '../../real/harness/ports.ts';
import { Prometheus, type Series } from '../harness/prometheus.ts';
import { promtool } from '../harness/promtool.ts';
import { podOf, podScrapeConfigOf, scrapeConfigOf } from '../harness/scrape-config.ts';
import { startBackend } from './backend.ts';
import {
  type Dashboard,
  dashboardExpressions,
  type Expression,
  everything,
  legendOf,
  variableQueries,
  withoutThresholds,
} from './expressions.ts';
import { Clients, routes } from './traffic.ts';

/** Expressions that have no data although all is well, and why. */
const mayBeEmpty: Readonly<Record<string, string>> = {
  SluiceDown: 'it asks for what is not there',
  SluiceAuthUnavailable: 'no route asks for credentials',
  SluiceHubSilent: 'all routes are of the file, and no hub writes any',
  SluiceHubReplicasDiffer: 'all routes are of the file, and no replicas have any of a hub',
  SluiceErrorPagesFailing: 'no pages for errors are fetched from anywhere',
};

/** Metrics of prom-client whose names hold their type. */
const toldByLibrary = ['nodejs_eventloop_utilization_histogram ', 'nodejs_eventloop_utilization_summary '];

/** Panels whose values are all 0, and why. */
const mayBeZero: Readonly<Record<string, string>> = {
  'Refused at the admin port, A': 'nobody asks the admin API',
  'Quotas over all pods, C': 'the store answers',
  'Draining pods and restarts, A': 'nothing drains',
  'Draining pods and restarts, B': 'nothing restarts',
  'Pods, D': 'the last change of the configuration was broken',
  'Pods, E': 'nothing drains',
};

/** The slow clients of two rounds. */
const slowClients = 8;

const stack = new AsyncDisposableStack();
let all: readonly Manifest[];
let release: Release;
let prometheus: Prometheus;
/** Of one that sees the gateway in two clusters under the same names, and of one that knows of no clusters. */
let ofTwoClusters: Prometheus;
let ofNoCluster: Prometheus;
/** When all three had seen all that was done; seconds since 1970. */
let seenAt: number;

beforeAll(async () => {
  const backend = stack.use(await startBackend());
  const store = stack.use(await FakeStore.start());
  all = await render({
    release: 'sluice',
    values: {
      config: {
        quotas: { store: `redis://127.0.0.1:${store.port}`, timeout: '20s' },
        routes: routes(backend.port, await freePort()),
      },
      metrics: {
        serviceMonitor: { enabled: true, interval: '1s', scrapeTimeout: '1s' },
        rules: { enabled: true },
        dashboards: { enabled: true },
      },
    },
  });
  release = stack.use(await Release.start(all));
  const { groups } = find(all, 'PrometheusRule').spec;
  const start = async (clusters?: readonly (string | null)[]) =>
    stack.use(await Prometheus.start([scrapeConfigOf(all, release.ports, clusters)], stringify({ groups })));
  [prometheus, ofTwoClusters, ofNoCluster] = await Promise.all([start(), start(['east', 'west']), start([null])]);

  const clients = new Clients(release.ports.http!);
  stack.defer(() => clients.close());
  const limits: string = find(all, 'ConfigMap', '-limits').data['limits.yaml'];
  // Counters grow from a scrape to the next; some label sets come to life with their first event. The second change is
  // wrong.
  for (const timeouts of ['{connect: 4s}', '{connect: 4 sec}']) {
    await scrapes(2);
    await clients.round();
    release.volumes.bring('/etc/sluice/limits', { 'limits.yaml': `${limits}\ntimeouts: ${timeouts}\n` });
  }
  await until(() => sum('sluice_connections_closed_total{reason="slow_receiver"}'), slowClients);
  await scrapes(3);
  seenAt = Date.now() / 1000;
});

afterAll(() => stack.disposeAsync());

/** Resolves after this many further scrapes of each, and evaluations of all rules after them. */
async function scrapes(count: number): Promise<void> {
  await Promise.all(
    [prometheus, ofTwoClusters, ofNoCluster].map(async (of) => {
      // Two targets are scraped at different moments.
      const seen = () => of.query('count_over_time(sluice_build_info[10m])').then(fewest);
      const before = await seen();
      await until(seen, before + count);
    }),
  );
}

function fewest(series: readonly Series[]): number {
  return series.length === 0 ? 0 : Math.min(...series.map(({ value }) => value));
}

/** Resolves when a number has grown so far. */
async function until(read: () => Promise<number>, atLeast: number): Promise<void> {
  const check = async () => expect(await read()).toBeGreaterThanOrEqual(atLeast);
  await vi.waitFor(check, { timeout: 30_000, interval: 200 });
}

/** The sum of an expression's values; 0 where there is none. */
async function sum(expr: string): Promise<number> {
  return (await prometheus.query(expr)).reduce((total, { value }) => total + value, 0);
}

test('the rendered monitor finds the gateway, and says where it is', async () => {
  const [up, ...others] = await prometheus.query('up');
  expect(others).toEqual([]);
  expect(up).toMatchObject({
    value: 1,
    metric: { job: 'sluice-metrics', namespace: 'apps', pod: podOf('sluice'), endpoint: 'admin' },
  });
});

test('a PodMonitor in its place finds the same', async () => {
  const rendered = await render({ values: { metrics: { podMonitor: { enabled: true } } } });
  const { targets } = scrapeConfigOf(all, release.ports).static_configs[0]!;
  const found = podScrapeConfigOf(rendered, release.ports);
  expect(found).toMatchObject({ metrics_path: '/metrics', static_configs: [{ targets }] });
});

describe('autoscalers', () => {
  const scaled = (autoscaling: object) => render({ release: 'sluice', values: { autoscaling } });

  test.each(['connections', 'buffered-bytes'])('what KEDA asks about %s has an answer', async (trigger) => {
    const made = await scaled({ keda: { enabled: true, serverAddress: 'http://prometheus:9090' } });
    const { metadata } = find(made, 'ScaledObject').spec.triggers.find(
      ({ name }: { name: string }) => name === trigger,
    );
    const [answer, ...others] = await prometheus.query(metadata.query);
    expect(others).toEqual([]);
    expect(answer?.value).toBeGreaterThan(0);
  });

  test('what the HorizontalPodAutoscaler asks an adapter for is there for each pod', async () => {
    const { metrics } = find(await scaled({ hpa: { enabled: true } }), 'HorizontalPodAutoscaler').spec;
    for (const { pods } of metrics) {
      const [answer] = await prometheus.query(`sum by (pod) (${pods.metric.name}{namespace="apps"})`);
      expect(answer?.metric).toEqual({ pod: podOf('sluice') });
    }
  });
});

test('the pods of a release with a long name are those that KEDA asks about', async () => {
  const fullnameOverride = 'a'.repeat(50);
  const keda = { enabled: true, serverAddress: 'http://prometheus:9090' };
  const made = await render({ values: { fullnameOverride, autoscaling: { keda } } });
  const { query } = find(made, 'ScaledObject').spec.triggers[0].metadata;
  const pods = new RegExp(`^(${/pod=~"(.*)"/.exec(query)![1]})$`);
  expect(podOf(fullnameOverride)).toMatch(pods);
  expect(podOf(`${fullnameOverride.slice(0, 40)}-b`)).not.toMatch(pods);
});

test("promtool finds no fault in the metrics' names, types and help", async () => {
  const text = await (await release.admin('/metrics')).text();
  const { output } = await promtool(['check', 'metrics'], text);
  const faults = output
    .split('\n')
    .filter((line) => line !== '' && !toldByLibrary.some((name) => line.startsWith(name)));
  expect(faults).toEqual([]);
  expect(text).toContain('sluice_build_info');
});

describe('rules', () => {
  const rules = ruleNames();

  test('Prometheus has them all, and evaluates each without an error', async () => {
    const states = await prometheus.rules();
    expect(states.map(({ name }) => name).sort()).toEqual(rules.map(({ name }) => name).sort());
    expect(states.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  test.each(rules.filter(({ name }) => !(name in mayBeEmpty)))('$name has data', async ({ expr }) => {
    expect(await prometheus.query(withoutThresholds(expr))).not.toEqual([]);
  });

  test('what happened to the clients is what alerts tell of', async () => {
    const states = await prometheus.rules();
    const raised = states.filter(({ state }) => state === 'pending' || state === 'firing').map(({ name }) => name);
    expect(new Set(raised)).toEqual(
      new Set([
        'SluiceConfigReloadFailed',
        'SluiceUntrustedForwardingHeaders',
        'SluiceHandshakesRefusedByCap',
        'SluiceUpstreamErrors',
        'SluiceUpstreamLost',
        'SluiceOriginsRefused',
        'SluiceMessagesRefused',
        'SluiceSlowReceivers',
      ]),
    );
  });
});

describe('dashboard', () => {
  const dashboard = JSON.parse(dashboardText()) as Dashboard;

  test('is the one that the chart brings', () => {
    expect(JSON.parse(find(all, 'ConfigMap', '-dashboards').data['sluice.json'])).toEqual(dashboard);
  });

  const ask = (of: Prometheus, { expr, instant }: Expression) =>
    instant ? of.query(expr, seenAt) : of.queryRange(expr, seenAt);

  test.each(dashboardExpressions(dashboard, everything))('$where has data', async ({ where, ...one }) => {
    const series = await ask(prometheus, { where, ...one });
    expect(series).not.toEqual([]);
    const largest = Math.max(...series.map(({ value }) => value).filter((value) => !Number.isNaN(value)));
    if (where in mayBeZero) expect(largest, mayBeZero[where]).toBe(0);
    else expect(largest).toBeGreaterThan(0);
  });

  const chosen = { namespace: 'apps', job: 'sluice-metrics', route: 'echo|down' };
  test.each(dashboardExpressions(dashboard, chosen))('$where follows the choice', async (one) => {
    const series = await ask(prometheus, one);
    expect(series).not.toEqual([]);
    for (const { metric } of series) expect(metric.route ?? 'echo').toMatch(/^(echo|down)$/);
  });

  describe.each([
    ['where nothing has a cluster', () => ofNoCluster, [], '.*', 1],
    ['where there are two, for both', () => ofTwoClusters, ['east', 'west'], '.*', 2],
    ['where there are two, for one', () => ofTwoClusters, ['east', 'west'], 'west', 1],
    ['where there are two, for both by name', () => ofTwoClusters, ['east', 'west'], '(east|west)', 2],
  ] as const)('%s', (_, of, clusters, cluster, pods) => {
    const choice = { ...everything, cluster };

    test('the list of clusters is right, and no other is empty', async () => {
      for (const { where, label, match } of variableQueries(dashboard, choice)) {
        const values = await of().labelValues(label, match);
        if (where === 'cluster') expect(values).toEqual(clusters);
        else expect(values).not.toEqual([]);
      }
    });

    test.each(dashboardExpressions(dashboard, choice))('$where has data, of these clusters', async (one) => {
      const series = await ask(of(), one);
      expect(series).not.toEqual([]);
      const told = new Set(series.map(({ metric }) => metric.cluster).filter((value) => value !== undefined));
      for (const name of told) expect(name).toMatch(new RegExp(`^(${cluster})$`));
      const { legend } = one;
      if (legend === undefined) return;
      const names = series.map(({ metric }) => legendOf(legend, metric));
      expect(names).toEqual([...new Set(names)]);
    });

    test('pods of the same name in two clusters are two', async () => {
      const [count, table] = dashboardExpressions(dashboard, choice).filter(({ where }) => where === 'Pods, A');
      expect((await ask(of(), count!)).map(({ value }) => value)).toEqual([pods]);
      expect(await ask(of(), table!)).toHaveLength(pods);
    });
  });

  test.each(dashboardExpressions(dashboard, { ...everything, cluster: 'nowhere' }))(
    '$where is of the clusters that are chosen',
    async (one) => expect(await ask(ofTwoClusters, one)).toEqual([]),
  );

  test.each(variableQueries(dashboard, everything))('$where has values', async ({ label, match }) => {
    expect(await prometheus.labelValues(label, match)).not.toEqual([]);
  });
});

test('a drain is seen, and then that the gateway is gone', async () => {
  release.process.signal('SIGTERM');
  await until(() => sum('sluice_draining'), 1);
  expect(await sum('sluice_drain_deadline_timestamp_seconds - time()')).toBeGreaterThan(0);
  await release.process.stop('SIGKILL');
  const isDown = async () =>
    (await prometheus.rules()).filter(({ name, state }) => name === 'SluiceDown' && state === 'pending');
  await until(async () => (await isDown()).length, 1);
});

function ruleNames(): { name: string; expr: string }[] {
  const { groups } = parse(rulesText()) as { groups: { rules: { record?: string; alert?: string; expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ record, alert, expr }) => ({ name: record ?? alert!, expr })));
}
