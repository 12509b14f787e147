import { expect, test } from 'vitest';
import { reportConfig } from '../../../src/cli/check-report.ts';
import { loadConfig } from '../../../src/config/model/load.ts';

const as = (text: string) => text;
const plain = { bold: as, dim: as, yellow: as, red: as };

function report(text: string): string {
  const loaded = loadConfig('sluice.yaml', text);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  return reportConfig(loaded.resolved, plain).join('\n');
}

test('says how long a drain may take, and so how long whoever kills must wait', () => {
  expect(report('routes: [{name: a, upstream: "http://b"}]')).toMatch(
    /a drain ends within +1m; kill it after 75s or later/,
  );
  const routes =
    'routes: [{name: a, upstream: "http://b", drain: {deadline: 10m}}, {name: b, upstream: "http://b", match: {path: /b}}]';
  expect(report(`drain: {deadline: 22s}\n${routes}`)).toMatch(/a drain ends within +10m; kill it after 615s or later/);
});
