/** How much is logged, and how it names people: `log` and `identity` of the configuration. */
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/model/load.ts';
import { anyCaps } from '../../helpers/access.ts';
import { fakeUpstream, headerOf } from '../../helpers/fake-upstream.ts';
import { clientFrame } from '../../helpers/frames.ts';
import { type GatewayOptions, routeTo, startGateway, startGatewayOf } from '../../helpers/gateway.ts';
import { handshakeRequest, rawClient, rawConnect } from '../../helpers/raw-client.ts';
import type { RouteOverrides } from '../../helpers/relay.ts';

async function setUp(route: RouteOverrides = {}, options: Partial<GatewayOptions> = {}) {
  const upstream = await fakeUpstream();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const limits = { client: { maxMessageBytes: 10 }, connections: { ...anyCaps, max: 2, maxPerAddress: 100 } };
  const gateway = await startGateway({ routes: [routeTo(upstream, { ...limits, ...route })], ...options });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const api = async (path: string) => (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`)).json();
  return { ...gateway, upstream, api };
}

async function refused(port: number, headers: Record<string, string> = {}, path = '/'): Promise<void> {
  const peer = await rawConnect(port);
  peer.sendText(handshakeRequest({ path, headers }));
  await peer.head();
  peer.reset();
}

test('a header of a trusted proxy names the user in the log, the API, the feed and the violations', async () => {
  const { port, adminPort, logged, api, upstream } = await setUp(
    { identity: { header: 'x-forwarded-user' } },
    { trustedProxies: ['127.0.0.1'] },
  );
  const headers = { 'X-Forwarded-User': 'ada' };
  const client = await rawClient(port, { headers });
  expect(headerOf((await upstream.next()).request, 'X-Forwarded-User')).toBe('ada');
  expect(await logged('open')).toMatchObject({ user: 'ada' });
  expect(await api('/api/connections?user=ada')).toMatchObject({ connections: [{ user: 'ada' }] });
  expect(await api('/api/connections?search=AD')).toMatchObject({ connections: [{ user: 'ada' }] });

  await rawClient(port);
  // Nobody has told who that is, and Sluice tells the upstream nothing of its own.
  expect(headerOf((await upstream.next()).request, 'X-Forwarded-User')).toBeUndefined();
  await refused(port, { 'X-Forwarded-User': 'bob' });
  expect(await logged('refused')).toMatchObject({ result: 'too_many_connections', user: 'bob' });
  client.send(clientFrame('more than ten bytes'));
  expect(await logged('violation')).toMatchObject({ user: 'ada' });

  const feed = await fetch(`http://127.0.0.1:${adminPort}/api/feed`);
  const reader = feed.body!.getReader();
  const hello = new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  expect(hello).toContain('"user":"ada"');
  expect(hello).toContain('"user":"bob"');
  expect(await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()).not.toMatch(/ada|bob/);
});

test('a header of anybody else names nobody', async () => {
  const { port, logged } = await setUp({ identity: { header: 'x-forwarded-user' } });
  await rawClient(port, { headers: { 'X-Forwarded-User': 'eve' } });
  expect(await logged('open')).not.toHaveProperty('user');
});

test('a path names the user, of plain requests too', async () => {
  const { port, logged } = await setUp({
    identity: { segments: ['user', null] },
    http: { ...routeTo(1).http, maxBodyBytes: 1 },
  });
  await rawClient(port, { path: '/user/ada%40x/api' });
  expect(await logged('open')).toMatchObject({ user: 'ada@x' });
  await fetch(`http://127.0.0.1:${port}/user/bob/files`, { method: 'POST', body: 'ab' });
  expect(await logged('http_failed')).toMatchObject({ user: 'bob' });
});

test('users are named in the log by a hash, or not at all, as the log says', async () => {
  const route = { identity: { segments: ['user', null] } };
  const hashed = await setUp(route, { log: { user: 'hashed' } });
  await rawClient(hashed.port, { path: '/user/ada/' });
  await rawClient(hashed.port, { path: '/user/ada/x' });
  const { user, path } = await hashed.logged('open');
  expect(user).toMatch(/^sha256:[0-9a-f]{16}$/);
  expect((await hashed.logged('open')).user).toBe(user);
  // The path names them as well.
  expect(path).toBe('/user/[user]/');
  expect(await hashed.api('/api/connections')).toMatchObject({ connections: [{ user: 'ada' }, { user: 'ada' }] });

  const off = await setUp(route, { log: { user: 'off' } });
  await rawClient(off.port, { path: '/user/ada/' });
  await fetch(`http://127.0.0.1:${off.port}/user/ada/`, {
    headers: { Upgrade: 'websocket', Connection: 'upgrade' },
  }).catch(() => {});
  const line = await off.logged('open');
  expect(line).not.toHaveProperty('user');
  expect(JSON.stringify(off.log)).not.toContain('ada');
});

test('openings and ordinary ends are silenced or sampled, ends by a limit are not', async () => {
  const timeouts = { ...routeTo(1).timeouts, closeMs: 100 };
  const { port, logged, log, gateway } = await setUp({ timeouts }, { log: { open: 0, end: 0 } });
  const quiet = await rawClient(port);
  quiet.reset();
  await expect.poll(() => gateway.sessions.sessions.size).toBe(0);
  const loud = await rawClient(port);
  loud.send(clientFrame('more than ten bytes'));
  expect(await logged('end')).toMatchObject({ reason: 'message_too_big' });
  expect(log.map(({ event }) => event)).not.toContain('open');
});

test('a sample has the opening and the end of the same connections', async () => {
  const { port, log, upstream } = await setUp(
    { connections: { ...anyCaps, max: 1000, maxPerAddress: 1000 }, timeouts: { ...routeTo(1).timeouts, closeMs: 100 } },
    { log: { open: 0.5, end: 0.5 } },
  );
  const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(port)));
  for (const client of clients) client.reset();
  await upstream.idle();
  const of = (event: string) =>
    log
      .filter((line) => line.event === event)
      .map(({ conn_id }) => conn_id)
      .sort();
  await expect.poll(() => of('end')).toEqual(of('open'));
  expect(of('open').length).toBeGreaterThan(10);
  expect(of('open').length).toBeLessThan(90);
});

/** A file of one route, with more at its top. */
const fileOf = (more: string) =>
  `listen: {address: 127.0.0.1:0}\nadmin: {address: 127.0.0.1:0}\n${more}\nroutes: [{name: a, upstream: "http://127.0.0.1:1"}]\n`;

test('refused requests have a line each up to a rate, and one for what was left out', async () => {
  const { port, adminPort, log, gateway } = await startGatewayOf(fileOf('log: {max_rate: {rate: 1/s, burst: 5}}'));
  onTestFinished(() => gateway.stop(AbortSignal.abort()));
  for (let i = 0; i < 30; i++) await refused(port, { 'Sec-WebSocket-Version': '12' });
  const lines = log.filter(({ event }) => event === 'refused');
  expect(lines.length).toBeGreaterThanOrEqual(5);
  expect(lines.length).toBeLessThan(30);
  // Another kind has a rate of its own.
  await refused(port);
  expect(log.at(-1)).toMatchObject({ event: 'refused', result: 'upstream_unreachable' });
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  expect(metrics).toContain(`sluice_log_lines_dropped_total{reason="rate"} ${30 - lines.length}`);
  gateway.reload(loadConfig('sluice.yaml', fileOf('log: {max_rate: unlimited}')));
  expect(log.find(({ event }) => event === 'log_lines_left_out')).toMatchObject({
    kind: 'refused unsupported_version',
    lines: 30 - lines.length,
    last: { client: '127.0.0.1', status: 426 },
  });
});

test('a reload changes what is logged at once', async () => {
  const { gateway, port, log } = await startGatewayOf(fileOf(''));
  onTestFinished(() => gateway.stop(AbortSignal.abort()));
  gateway.reload(loadConfig('sluice.yaml', fileOf('log: {level: error}')));
  const before = log.length;
  await refused(port, { 'Sec-WebSocket-Version': '12' });
  expect(log.length).toBe(before);
  gateway.reload(loadConfig('sluice.yaml', fileOf('')));
  await refused(port, { 'Sec-WebSocket-Version': '12' });
  expect(log.map(({ event }) => event)).toContain('refused');
});
