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

test('says who may come in, as whom and how often', () => {
  const access = 'access: {networks: {allow: [10.0.0.0/8, 192.0.2.1]}, methods: {deny: [DELETE]}}';
  const rates = 'rates: {handshakes_per_user: {rate: 1/s, burst: 20}, requests_per_address: 50/s}';
  const auth = 'auth: [{header: X-User}], origins: ["https://a.test"]';
  const text = report(`routes: [{name: a, upstream: "http://b", ${access}, ${rates}, ${auth}}]`);
  for (const fact of [
    'origins https://a.test; access.networks.allow 10.0.0.0/8, 192.0.2.1; access.methods.deny DELETE; auth header;',
    'rates.requests_per_address 50/s; rates.handshakes_per_user 1/s, burst 20',
  ]) {
    expect(text.replaceAll(/\s+/g, ' ')).toContain(fact);
  }
});

test('says once what holds for several routes', () => {
  const route = (name: string) =>
    `{name: ${name}, match: {path: /${name}}, upstream: "http://b", auth: [{bearer: {file: t}}]}`;
  const text = report(`listen: {address: "0.0.0.0:8080"}\nroutes: [${route('a')}, ${route('b')}]`);
  expect(text).toContain('warning  a, b: auth asks for credentials');
  expect(text.match(/auth asks for credentials/g)).toHaveLength(1);
  const many = report(`routes: [${Array.from({ length: 12 }, (_, i) => route(`r${i}`)).join(', ')}]`);
  expect(many).toContain('warning  r0, r1, r2, r3, r4, r5, r6, r7, r8, r9 and 2 more: auth asks');
});
