import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { logEvents } from '../../../../src/catalogue/log-events.ts';
import { describeMetrics } from '../../../../src/observe/metrics/document.ts';
import { families } from '../../../../src/observe/metrics/prometheus.ts';

test('docs/metrics.md is what the registry says', async () => {
  await expect(describeMetrics()).toMatchFileSnapshot('../../../../docs/metrics.md');
});

test('every metric has a row', () => {
  const text = describeMetrics();
  for (const { name } of families) expect(text).toContain(`| \`sluice_${name}\` |`);
});

test('every event of the log has a row, and is written somewhere', () => {
  const text = describeMetrics();
  const src = new URL('../../../../src/', import.meta.url);
  const code = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('catalogue/'))
    .map((name) => readFileSync(new URL(name, src), 'utf8'))
    .join('\n');
  for (const event of Object.keys(logEvents)) {
    expect(text).toContain(`\`${event}\``);
    expect(code).toMatch(
      new RegExp(`(?:tell|tellEnding)\\('${event}'|caused\\(\\S+(?: \\S+)?, '${event}'|event: '${event}'`),
    );
  }
});
