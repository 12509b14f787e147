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

test('says what holds for the routes of an API: its own settings, and its templates', () => {
  const text = report('routes_api: {address: "127.0.0.1:8001", activity: {upstream: true}}');
  expect(text).toContain('sluice.yaml is valid: 0 routes and 5 templates');
  expect(text).toMatch(/^ {2}routes_api\.address +127\.0\.0\.1:8001 +line 1$/m);
  expect(text).toMatch(/^ {2}routes_api\.activity\.upstream +true +line 1$/m);
  expect(text).toMatch(/^ {2}routes_api\.token_file +not set +built in$/m);
  expect(text).toMatch(/^template servers: /m);
  expect(text).toMatch(/a drain ends within +1m; kill it after 75s or later/);
  expect(text).toMatch(/^worst-case memory: [1-9]\d*(\.\d+)? GiB$/m);
});

test('shows nothing of routes_api where there is none', () => {
  expect(report('routes: [{name: a, upstream: "http://b"}]')).not.toContain('routes_api');
});
