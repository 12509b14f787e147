import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeMetrics } from '../../../../src/observe/metrics/document.ts';
import { families } from '../../../../src/observe/metrics/prometheus.ts';

test('docs/metrics.md is what the registry says', async () => {
  await expect(describeMetrics()).toMatchFileSnapshot('../../../../docs/metrics.md');
});

test('every metric has a row', () => {
  const text = describeMetrics();
  for (const { name } of families) expect(text).toContain(`| \`sluice_${name}\` |`);
});

test('every event of the log has a row', () => {
  const text = describeMetrics();
  const src = new URL('../../../../src/', import.meta.url);
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const events = files.flatMap((name) => [
    ...readFileSync(new URL(name, src), 'utf8').matchAll(/\bevent: '([a-z_]+)'/g),
  ]);
  expect(events.length).toBeGreaterThan(10);
  const missing = new Set(events.map(([, event]) => event!).filter((event) => !text.includes(`\`${event}\``)));
  expect([...missing]).toEqual([]);
});
