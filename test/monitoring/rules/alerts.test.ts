/** Every alert fires and resolves, as promtool computes it from the file that is shipped. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Alert, Level } from '../../../monitoring/alert.ts';
import { alertGroups } from '../../../monitoring/alerts/index.ts';
import { repositoryUrl } from '../../../monitoring/repository.ts';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { rulesFile } from '../harness/paths.ts';
import { expectOk, promtool } from '../harness/promtool.ts';
import { auth } from './auth.ts';
import { availability } from './availability.ts';
import { capacity } from './capacity.ts';
import { configuration } from './configuration.ts';
import { hub } from './hub.ts';
import { limits } from './limits.ts';
import { quotas } from './quotas.ts';
import { type Firing, releaseLabels, type Story } from './story.ts';
import { upstreams } from './upstreams.ts';

const stories = [...availability, ...configuration, ...capacity, ...upstreams, ...auth, ...limits, ...quotas, ...hub];
const alerts = new Map(alertGroups.flatMap((group) => group.alerts).map((alert) => [alert.name, alert]));
const levels = [...alerts.values()].flatMap((alert) => alert.levels.map((level) => [alert, level] as const));
const directory = scratchDirectory('rules');

test('promtool finds no fault in the rules', async () => {
  expectOk(await promtool(['check', 'rules', rulesFile]));
});

describe.each(stories.map((story, i) => [`${story.alert}: ${story.tells}`, story, i] as const))('%s', (_, story, i) => {
  test('fires when it must, and only then', async () => {
    const file = join(directory, `${i}.yaml`);
    writeFileSync(file, stringify(testFile(story)));
    expectOk(await promtool(['test', 'rules', file]));
  });
});

test('of two clusters in one ruler only the one that is down is told of, by one alert', async () => {
  const story = stories.find(({ alert, tells }) => alert === 'SluiceDown' && tells.includes('two clusters'))!;
  const file = join(directory, 'clusters.yaml');
  const whole = testFile(story) as { tests: { alert_rule_test: object[] }[] };
  const others = [...alerts.keys()].filter((name) => name !== 'SluiceDown');
  const moments = ['20m', '60m', '400m'].flatMap((eval_time) =>
    others.map((alertname) => ({ eval_time, alertname, exp_alerts: [] })),
  );
  whole.tests[0]!.alert_rule_test.push(...moments);
  writeFileSync(file, stringify(whole));
  expectOk(await promtool(['test', 'rules', file]));
});

test.each(levels.map(([alert, level]) => [alert.name, level.severity, alert, level] as const))(
  '%s, %s, is told of to its end: quiet, firing, quiet',
  (_, __, alert, level) => {
    expect(stories.some((story) => story.alert === alert.name && firesAndResolves(story, level))).toBe(true);
  },
);

function firesAndResolves(story: Story, level: Level): boolean {
  const states = story.moments.map(({ firing }) => firing.some(({ severity }) => severity === level.severity));
  const first = states.indexOf(true);
  return first > 0 && states.includes(false, first);
}

function testFile({ alert, series, moments }: Story): object {
  return {
    rule_files: [rulesFile],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: moments.map(({ at, firing }) => ({
          eval_time: at,
          alertname: alert,
          exp_alerts: firing.map((one) => expected(alerts.get(alert)!, one)),
        })),
      },
    ],
  };
}

/** What the alert must say. The summary is written out in the story; the rest is the source's, with its gaps filled. */
function expected(alert: Alert, { severity, labels = {}, value = '', summary }: Firing): object {
  const own: Record<string, string> = labels === null ? {} : { ...releaseLabels, ...labels };
  const description = alert.description
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name) => own[name]!)
    .replaceAll(/\{\{[^}]*\$value[^}]*\}\}/g, value);
  expect(description).not.toContain('{{');
  return {
    exp_labels: { ...own, severity },
    exp_annotations: { summary, description, runbook: runbookOf(alert), runbook_url: urlOf(alert) },
  };
}

function urlOf({ name }: Alert): string {
  return `${repositoryUrl}/blob/main/docs/alerts.md#${name.toLowerCase()}`;
}

function runbookOf({ name, look, change }: Alert): string {
  return `Look: ${look.join(' ')} Change: ${change.join(' ')} More: docs/alerts.md, ${name}.`;
}
