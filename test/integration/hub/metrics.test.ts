/** What configurable-http-proxy counts, under its names: both are asked the same, and count the same. */
import { ConfigurableProxy } from 'configurable-http-proxy';
import { expect, onTestFinished, test } from 'vitest';
import { hubFamilies } from '../../../src/observe/metrics/hub-families.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { type Ask, ask, echo, httpServer, hubGateway, token } from '../../helpers/hub.ts';
import { listen } from '../../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';

interface Proxy {
  readonly port: number;
  readonly apiPort: number;
  metrics(): Promise<string>;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function chp(): Promise<Proxy> {
  const proxy = new ConfigurableProxy({ authToken: token, log: silent, enableMetrics: true });
  onTestFinished(() => {
    for (const server of [proxy.proxyServer, proxy.apiServer, proxy.metricsServer]) {
      server.close();
      server.closeAllConnections();
    }
  });
  const metricsPort = await listen(proxy.metricsServer);
  const [port, apiPort] = [await listen(proxy.proxyServer), await listen(proxy.apiServer)];
  return { port, apiPort, metrics: async () => (await ask(metricsPort, '/metrics')).body };
}

async function sluice(): Promise<Proxy> {
  const { gateway, port, apiPort } = await hubGateway();
  const metrics = async () => Buffer.concat(await gateway.renderMetrics('text')).toString();
  return { port, apiPort, metrics };
}

/** The lines of some families, in one order. */
function linesOf(text: string, names: readonly string[]): string[] {
  const isOne = (line: string) => names.some((name) => new RegExp(`^(?:# (?:HELP|TYPE) )?${name}[ {]`).test(line));
  return text.split('\n').filter(isOne).toSorted();
}

const headers = { authorization: `token ${token}` };
const counters = hubFamilies.filter(({ type }) => type === 'counter').map(({ name }) => name);

async function converse({ port, apiPort }: Proxy, alive: number, upstream: number): Promise<void> {
  const api = (path: string, more: Ask = {}) => ask(apiPort, `/api/routes${path}`, { headers, ...more });
  const set = (path: string, to: number) =>
    api(path, { method: 'POST', body: JSON.stringify({ target: `http://127.0.0.1:${to}` }) });
  await api('');
  await set('/alive', alive);
  await set('/dead', 1);
  await set('/ws', upstream);
  await set('/gone', 1);
  await api('/alive');
  await api('/nobody');
  await api('/gone', { method: 'DELETE' });
  await api('/gone', { method: 'DELETE' });
  await api('', { headers: {} });
  await api('/alive', { method: 'PUT' });
  await api('?inactive_since=x');
  await api('?inactive_since=2000-01-01');
  for (const path of ['/alive', '/alive/x', '/dead', '/nowhere', '/_chp_healthz']) await ask(port, path);
  await ask(port, '/alive', { method: 'PROPFIND' });
  for (const path of ['/ws', '/dead', '/nowhere']) {
    const client = await rawConnect(port);
    client.sendText(handshakeRequest({ path }));
    await client.head();
    client.socket.end();
  }
}

test('counters are those of configurable-http-proxy, by name, help, label and value', async () => {
  await using upstream = await fakeUpstream();
  const alive = await httpServer(echo);
  const [theirs, ours] = [await chp(), await sluice()];
  for (const proxy of [theirs, ours]) await converse(proxy, alive, upstream.port);
  const expected = linesOf(await theirs.metrics(), counters);
  expect(expected.length).toBeGreaterThan(2 * counters.length);
  await expect.poll(async () => linesOf(await ours.metrics(), counters)).toEqual(expected);
});

test('summaries tell how often and how long', async () => {
  const proxy = await sluice();
  await converse(proxy, await httpServer(echo), 1);
  const text = await proxy.metrics();
  expect(text).toMatch(/^# TYPE find_target_for_req summary$/m);
  expect(text).toMatch(/^find_target_for_req_count 8$/m);
  expect(text).toMatch(/^find_target_for_req_sum 0\.\d+$/m);
  expect(text).toMatch(/^# TYPE last_activity_updating summary$/m);
  expect(text).toMatch(/^last_activity_updating_count [1-9]/m);
});

test('a scraper that takes OpenMetrics reads them by the same names', async () => {
  const { gateway } = await hubGateway();
  const text = Buffer.concat(await gateway.renderMetrics('openmetrics')).toString();
  for (const name of counters) expect(text).toContain(`# TYPE ${name} unknown\n`);
  expect(text).toContain('\nrequests_web 0\n');
});
