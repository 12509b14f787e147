import { expect, test } from 'vitest';
import { describeMetrics } from '../../../src/metrics/document.ts';
import { families } from '../../../src/metrics/prometheus.ts';

test('docs/metrics.md is what the registry says', async () => {
  await expect(describeMetrics()).toMatchFileSnapshot('../../../docs/metrics.md');
});

test('every metric has a row', () => {
  const text = describeMetrics();
  for (const { name } of families) expect(text).toContain(`| \`sluice_${name}\` |`);
});
