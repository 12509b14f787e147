/** A gateway whose configuration changes while connections live. */
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/model/load.ts';
import { type FakeUpstream, fakeUpstream, headerOf, switching } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';

/** Addresses as those of `startGateway`; everything about the one route can be given. */
function yamlFor(upstream: FakeUpstream, { route = '', top = '', name = 'app' } = {}): string {
  return [
    ...(top.includes('listen:') ? [] : ['listen: {address: "127.0.0.1:0"}']),
    ...(top.includes('admin:') ? [] : ['admin: {address: "127.0.0.1:0"}']),
    top,
    'routes:',
    `  - {name: ${name}, upstream: "http://127.0.0.1:${upstream.port}"${route}}`,
    '',
  ].join('\n');
}

const limitedTo = (bytes: number) => ({ route: `, limits: {client: {max_message_size: ${bytes}}}` });

async function startFrom(text: string): Promise<TestGateway> {
  const loaded = loadConfig('limits.yaml', text);
  if ('errors' in loaded) throw new Error(loaded.errors[0]!.message);
  return startGateway({ routes: loaded.config.routes });
}

function reload({ gateway }: TestGateway, text: string): boolean {
  return gateway.reload(loadConfig('limits.yaml', text));
}

test('a lowered limit bites on the next message, and a raised one lets it pass', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream, limitedTo(100)));
  const [one, two] = [await rawClient(sluice.port), await rawClient(sluice.port)];
  const [first, second] = [await upstream.next(), await upstream.next()];
  const message = clientFrame(Buffer.alloc(1000));

  expect(reload(sluice, yamlFor(upstream, limitedTo(1000)))).toBe(true);
  one.send(message);
  expect((await first.bytes(message.length)).equals(message)).toBe(true);
  expect(reload(sluice, yamlFor(upstream, limitedTo(999)))).toBe(true);
  two.send(message);
  expect(await two.closeFrame()).toEqual({
    code: 1009,
    reason: 'message of 1000 bytes exceeds 999 (route app)',
  });
  expect((await second.closeFrame()).code).toBe(1009);
  expect(await sluice.metrics()).toContain('sluice_message_size_limit_bytes{route="app",sender="client"} 999\n');
  expect(sluice.gateway.sessions.sessions.size).toBeGreaterThan(0);
});

test('a reload says what it changed, and shows in metrics and state', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream, limitedTo(100)));
  const text = `${yamlFor(upstream, limitedTo(200))}  - {name: other, match: {path: /x}, upstream: "http://h"}\n`;
  expect(reload(sluice, text)).toBe(true);
  const { config, resolved, lastError, needsRestart } = sluice.gateway.configState();
  expect(await sluice.logged('config_reloaded')).toMatchObject({
    level: 'info',
    files: ['limits.yaml'],
    config_hash: config.hash,
    routes_added: ['other'],
    routes_changed: ['app'],
    routes_removed: [],
  });
  expect(resolved!.routes[0]!.sources['limits.client.max_message_size']).toMatchObject({ file: 'limits.yaml' });
  expect([lastError, needsRestart]).toEqual([null, []]);
  const metrics = await sluice.metrics();
  expect(metrics).toContain('sluice_config_last_reload_successful 1\n');
  expect(metrics).toContain('sluice_config_reloads_total{result="success"} 1\n');
  expect(metrics).toContain('sluice_config_reloads_total{result="failure"} 0\n');
  expect(metrics).toContain(`sluice_config_hash ${Number.parseInt(config.hash.slice(0, 13), 16)}\n`);
});

test('a broken configuration changes nothing, and is reported with file, line and column of each error', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream, limitedTo(100)));
  const before = sluice.gateway.configState();
  const client = await rawClient(sluice.port);
  const peer = await upstream.next();
  expect(reload(sluice, yamlFor(upstream, { route: ', limits: {client: {max_message_size: 20 MiBs}}, oops: 1' }))).toBe(
    false,
  );

  const { errors, error_count, level } = await sluice.logged('config_rejected');
  expect([level, error_count]).toEqual(['error', 2]);
  expect(errors).toEqual([
    expect.stringMatching(
      /^routes\[0\]\.limits\.client\.max_message_size: "20 MiBs" is not a size; .* \(limits\.yaml:5:\d+\)$/,
    ),
    expect.stringMatching(/^routes\[0\]\.oops: unknown key; .* \(limits\.yaml:5:\d+\)$/),
  ]);
  const { lastError, ...rest } = sluice.gateway.configState();
  expect(lastError!.errors.map(({ file, line }) => `${file}:${line}`)).toEqual(['limits.yaml:5', 'limits.yaml:5']);
  expect(rest).toEqual({ ...before, lastError: undefined });
  const metrics = await sluice.metrics();
  expect(metrics).toContain('sluice_config_last_reload_successful 0\n');
  expect(metrics).toContain('sluice_config_reloads_total{result="failure"} 1\n');
  expect(metrics).toContain(`success_timestamp_seconds ${before.loadedAtMs / 1000}\n`);
  const message = clientFrame(Buffer.alloc(100));
  client.send(message);
  await peer.bytes(message.length);
  client.send(clientFrame(Buffer.alloc(101)));
  expect((await client.closeFrame()).code).toBe(1009);

  expect(reload(sluice, yamlFor(upstream, limitedTo(100)))).toBe(true);
  expect(sluice.gateway.configState().lastError).toBeNull();
  expect(await sluice.metrics()).toContain('sluice_config_last_reload_successful 1\n');
});

test('an error that quotes a password does not bring it into the log', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream));
  expect(reload(sluice, 'routes: [{name: a, upstream: "http://user:pa55@h"}]\n')).toBe(false);
  const { errors } = await sluice.logged('config_rejected');
  expect(errors).toEqual([expect.stringContaining('"http://[redacted]@h" holds a user or password')]);
});

test('caps go on counting the connections that live, and a lower cap closes none', async () => {
  await using upstream = await fakeUpstream();
  const capped = (max: number, more = '') =>
    yamlFor(upstream, { route: `, limits: {connections: {max: ${max}}}${more}` });
  await using sluice = await startFrom(capped(2));
  const clients = [await rawClient(sluice.port)];
  reload(sluice, capped(2, ', idle_timeout: 1h'));
  clients.push(await rawClient(sluice.port));
  await expect(rawClient(sluice.port)).rejects.toThrow('503');
  reload(sluice, capped(1));
  await expect(rawClient(sluice.port)).rejects.toThrow('503');
  expect(sluice.gateway.sessions.sessions.size).toBe(2);
  reload(sluice, capped(3));
  clients.push(await rawClient(sluice.port));
  for (const [i, client] of clients.entries()) {
    client.send(clientFrame(`${i}`));
    await upstream.peers[i]!.bytes(clientFrame(`${i}`).length);
  }
});

test('a lower bound of upstream connections holds where some are open already', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  const boundedTo = (most: number) => yamlFor(upstream, { route: `, http: {max_upstream_connections: ${most}}` });
  await using sluice = await startFrom(boundedTo(2));
  const ask = async () => {
    const client = await rawConnect(sluice.port);
    client.sendText('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    return client;
  };
  const first = await ask();
  await upstream.next();
  expect(reload(sluice, boundedTo(1))).toBe(true);
  // One waits, and the other is one too many.
  const others = [await ask(), await ask()];
  const answers = others.map((client) => client.head().catch(() => 'none'));
  expect(await Promise.race(answers)).toMatch(/^HTTP\/1\.1 503 /);
  expect(await sluice.logged('http_failed')).toMatchObject({
    limit: { name: 'http.max_upstream_connections', configured: 1 },
  });
  for (const client of [first, ...others]) client.socket.destroy();
  await Promise.all(answers);
});

test('another upstream takes new connections, and those that live stay where they are', async () => {
  await using old = await fakeUpstream();
  await using next = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(old));
  const before = await rawClient(sluice.port);
  const beforePeer = await old.next();
  reload(sluice, yamlFor(next));
  const after = await rawClient(sluice.port);
  const afterPeer = await next.next();
  for (const [client, peer] of [[before, beforePeer] as const, [after, afterPeer] as const]) {
    client.send(clientFrame('hello'));
    await peer.bytes(clientFrame('hello').length);
  }
  expect([old.accepted, next.accepted]).toEqual([1, 1]);
});

test('a connection whose route is removed ends under its last limits, and takes new ones when the route returns', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream, limitedTo(100)));
  const client = await rawClient(sluice.port);
  const peer = await upstream.next();
  const [small, large] = [clientFrame(Buffer.alloc(100)), clientFrame(Buffer.alloc(101))];
  reload(sluice, yamlFor(upstream, { name: 'other', ...limitedTo(5) }));
  client.send(small);
  await peer.bytes(small.length);
  reload(sluice, yamlFor(upstream, limitedTo(101)));
  client.send(large);
  await peer.bytes(large.length);
  reload(sluice, yamlFor(upstream, { name: 'other' }));
  client.send(clientFrame(Buffer.alloc(102)));
  expect((await client.closeFrame()).reason).toContain('exceeds 101 (route app)');
});

test('a handshake that is under way comes out under the new limits', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  await using sluice = await startFrom(yamlFor(upstream, limitedTo(100)));
  const opening = rawClient(sluice.port);
  const peer = await upstream.next();
  reload(sluice, yamlFor(upstream, limitedTo(10)));
  peer.sendText(switching(peer.request));
  const client = await opening;
  client.send(clientFrame(Buffer.alloc(11)));
  expect((await client.closeFrame()).reason).toContain('exceeds 10 ');
});

test('limits of what the upstream sends follow too', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream));
  const client = await rawClient(sluice.port);
  const peer = await upstream.next();
  reload(sluice, yamlFor(upstream, { route: ', limits: {upstream: {max_message_size: 10}}' }));
  peer.send(frame(Buffer.alloc(11)));
  expect((await client.closeFrame()).code).toBe(1009);
});

test('trusted proxies, and the time for headers, hold at once', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream));
  const headers = { 'X-Forwarded-For': '203.0.113.9' };
  await rawClient(sluice.port, { headers });
  expect(headerOf((await upstream.next()).request, 'X-Real-IP')).toBe('127.0.0.1');
  const top = 'listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}';
  reload(sluice, yamlFor(upstream, { top }));
  await rawClient(sluice.port, { headers });
  expect(headerOf((await upstream.next()).request, 'X-Real-IP')).toBe('203.0.113.9');
  // Whoever has sent nothing when it is over hears nothing.
  reload(sluice, yamlFor(upstream, { top: `${top}\ntimeouts: {headers: 300ms}` }));
  const slow = await rawConnect(sluice.port);
  slow.sendText(handshakeRequest().slice(0, 20));
  expect(await slow.head()).toMatch(/^HTTP\/1\.1 408 /);
});

test('keys that cannot change while it runs are named; everything else is in force', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await startFrom(yamlFor(upstream, limitedTo(100)));
  const top =
    'listen: {address: "127.0.0.1:1", trusted_proxies: [10.0.0.0/8]}\nadmin: {address: "127.0.0.1:2"}\nmemory: {max_buffered: 123MiB}';
  expect(reload(sluice, yamlFor(upstream, { top, ...limitedTo(200) }))).toBe(true);
  const keys = ['listen.address', 'admin.address'];
  expect(await sluice.logged('config_needs_restart')).toMatchObject({ level: 'warn', keys });
  const { config, resolved, needsRestart } = sluice.gateway.configState();
  expect(needsRestart).toEqual(keys);
  expect(config.listen.address).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  expect(resolved!.listen).toEqual(config.listen);
  expect(config.listen.trustedProxies).toEqual(['10.0.0.0/8']);
  expect(config.routes[0]!.limits.client.maxMessageBytes).toBe(200);
  expect(sluice.gateway.sessions.memory.budget.limitBytes).toBe(123 * 1024 * 1024);
  expect(await sluice.logged('memory_bound', { max_buffered_bytes: 123 * 1024 * 1024 })).toBeDefined();
});
