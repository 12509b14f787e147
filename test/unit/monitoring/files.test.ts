import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clusterOfRelease, releaseLabels } from '../../../monitoring/alert.ts';
import { alertGroups } from '../../../monitoring/alerts/index.ts';
import { dashboardText } from '../../../monitoring/dashboard/index.ts';
import { files } from '../../../monitoring/files.ts';
import { rulesText } from '../../../monitoring/rules-file.ts';
import { families, prefix } from '../../../src/observe/metrics/prometheus.ts';

test.each(Object.entries(files))('%s is what monitoring/ says', async (path, text) => {
  await expect(text()).toMatchFileSnapshot(join('../../..', path));
});

const levels = alertGroups.flatMap(({ alerts }) =>
  alerts.flatMap((alert) => alert.levels.map((level) => [alert.name, level.severity, level] as const)),
);

test.each(levels.filter(([, , { threshold }]) => threshold !== undefined))(
  '%s, %s: its threshold stands once in its expression',
  (_, __, { expr, threshold = '' }) => {
    expect(threshold).toMatch(/^(>|>=|<) [0-9.]+$/);
    const whole = new RegExp(`${threshold.replaceAll('.', '[.]')}(?![0-9.])`, 'g');
    expect(expr.match(whole)).toHaveLength(1);
    // The chart replaces the text, not the number.
    expect(expr.split(threshold)).toHaveLength(2);
  },
);

test('every rule tells releases apart by the same labels, in the same words', () => {
  const text = rulesText();
  expect(text).toContain(releaseLabels);
  expect(text.replaceAll(releaseLabels, '')).not.toMatch(/(by|on) \((cluster|namespace)/);
  const summaries = text.match(/summary: .*/g)!;
  expect(summaries.filter((summary) => !summary.includes(clusterOfRelease))).toEqual([]);
});

test('each histogram is read by an alert or a panel: a bucket that nobody reads is paid for at each scrape', () => {
  const read = dashboardText() + rulesText();
  const unread = families.filter(({ type, name }) => type === 'histogram' && !read.includes(`${prefix}${name}_`));
  expect(unread.map(({ name }) => name)).toEqual([]);
});
