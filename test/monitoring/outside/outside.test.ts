/**
 * Whoever reaches the public port of a default installation cannot call anybody out of bed: the critical alerts of the
 * rendered rules stay as they are, in a real Prometheus while it happens, and in promtool where it goes on for an hour.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { find, type Manifest, render } from '../../chart/helm.ts';
import { Release } from '../../chart/release.ts';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { Prometheus, type RuleState } from '../harness/prometheus.ts';
import { expectOk, promtool } from '../harness/promtool.ts';
import { scrapeConfigOf } from '../harness/scrape-config.ts';
import { type Panel, startPanel } from './panel.ts';
import { growing, type Sample, samplesOf } from './samples.ts';
import { deeds, many } from './strangers.ts';

/** Beside the default values nothing but what brings rules and a scrape. */
const values = {
  metrics: { serviceMonitor: { enabled: true, interval: '1s', scrapeTimeout: '1s' }, rules: { enabled: true } },
};

const strangers = 10;
const minutes = 60;

const stack = new AsyncDisposableStack();
let panel: Panel;
let release: Release;
let prometheus: Prometheus;
let groups: { rules: { alert?: string; labels?: { severity: string } }[] }[];

beforeAll(async () => {
  panel = stack.use(await startPanel());
  const all: readonly Manifest[] = await render({ release: 'sluice', values });
  release = stack.use(await Release.start(all, { 'http://panel:5006': panel.url }));
  groups = find(all, 'PrometheusRule').spec.groups;
  prometheus = stack.use(await Prometheus.start([scrapeConfigOf(all, release.ports)], stringify({ groups })));
  await scrapes(3);
});

afterAll(() => stack.disposeAsync());

const count = () => prometheus.query('count_over_time(sluice_build_info[1h])');

/** Resolves after so many further scrapes, and the evaluations behind them. */
async function scrapes(more: number): Promise<void> {
  const seen = async () => (await count())[0]?.value ?? 0;
  const wanted = (await seen()) + more;
  await vi.waitFor(async () => expect(await seen()).toBeGreaterThanOrEqual(wanted), { timeout: 30_000, interval: 200 });
}

/** Alerts that fire, or would if it went on. */
async function active(): Promise<RuleState[]> {
  return (await prometheus.rules()).filter(({ state }) => state === 'pending' || state === 'firing');
}

let scrapedAt = 0;

/** What Sluice exports now: a rendering serves all who ask within a second. */
async function scrape(): Promise<readonly Sample[]> {
  await delay(scrapedAt + 1100 - performance.now());
  scrapedAt = performance.now();
  return samplesOf(await (await release.admin('/metrics')).text());
}

const come = (acts: readonly ((port: number) => Promise<void>)[]) => many(strangers, release.ports.http!, acts);

test('no critical alert is raised while strangers do everything at once', async () => {
  const raised = new Set<string>();
  for (let round = 0; round < 3; round++) {
    await come([...deeds.values()]);
    await scrapes(2);
    for (const { name, labels } of await active()) raised.add(`${name} ${labels!.severity}`);
  }
  expect([...raised].filter((one) => one.endsWith('critical'))).toEqual([]);
  // They were seen, though.
  expect(raised).toContain('SluiceMessagesRefused warning');
});

test('an hour of each of it, with no other visitor, fires no critical alert', { timeout: 300_000 }, async () => {
  const tests: object[] = [];
  let before = await scrape();
  for (const [name, act] of deeds) {
    await come([act]);
    const after = await scrape();
    tests.push(hourOf(name, before, after));
    before = after;
  }
  const directory = scratchDirectory('outside');
  writeFileSync(join(directory, 'rules.yaml'), stringify({ groups: groups.map(withoutWarnings) }));
  const file = { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests };
  writeFileSync(join(directory, 'test.yaml'), stringify(file));
  expectOk(await promtool(['test', 'rules', join(directory, 'test.yaml')]));
});

/** What came between two scrapes comes each minute. */
function hourOf(name: string, before: readonly Sample[], after: readonly Sample[]): object {
  const pod = { cluster: 'east', namespace: 'apps', job: 'sluice-metrics', instance: '10.0.0.1:9090' };
  const labels = Object.entries(pod).map(([label, value]) => `${label}="${value}"`);
  const criticals = groups.flatMap(({ rules }) => rules).filter(({ labels: own }) => own?.severity === 'critical');
  return {
    name,
    interval: '1m',
    input_series: [
      ...growing(before, after, minutes, pod),
      { series: `up{${labels.join(', ')}}`, values: `1x${minutes}` },
    ],
    alert_rule_test: criticals.flatMap(({ alert }) =>
      [5, 15, 30, 45, 59].map((minute) => ({ eval_time: `${minute}m`, alertname: alert, exp_alerts: [] })),
    ),
  };
}

/** The warnings of the same names are true. */
function withoutWarnings<G extends (typeof groups)[number]>(group: G): G {
  return { ...group, rules: group.rules.filter(({ labels }) => labels?.severity !== 'warning') };
}

test('the same rules call somebody when the server itself is gone', async () => {
  await panel[Symbol.asyncDispose]();
  const calls = async () => {
    await come([...deeds.values()]);
    return (await active()).filter(
      ({ name, labels }) => name === 'SluiceUpstreamErrors' && labels!.severity === 'critical',
    );
  };
  await vi.waitFor(async () => expect(await calls()).toHaveLength(1), { timeout: 50_000, interval: 500 });
});
