/** Two gateways that share a store: caps and rates hold over both while it answers, and nobody waits for it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FakeStore } from '../../helpers/fake-store.ts';
import { type FakeUpstream, fakeUpstream, switching } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import type { Peer } from '../../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { until } from '../../helpers/until.ts';

const gateway = (upstream: FakeUpstream, store: FakeStore, own: string, quotas = ''): Promise<TestGateway> =>
  startGatewayOf(`
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
timeouts: {close: 100ms}
quotas: {store: "redis://127.0.0.1:${store.port}", timeout: 20s${quotas}}
routes:
  - name: a
    upstream: "http://127.0.0.1:${upstream.port}"
    identity: {header: X-Forwarded-User}
${own}
`);

interface Who {
  readonly user?: string;
  readonly address?: string;
}

async function ask({ port }: TestGateway, { user = 'ann', address = '192.0.2.1' }: Who = {}): Promise<Peer> {
  const peer = await rawConnect(port);
  peer.sendText(handshakeRequest({ headers: { 'X-Forwarded-User': user, 'X-Forwarded-For': address } }));
  return peer;
}

const statusOf = async (peer: Peer) => (await peer.head()).slice(9, 12);

async function request({ port }: TestGateway, { user = 'ann', address = '192.0.2.1' }: Who = {}): Promise<string> {
  const peer = await rawConnect(port);
  peer.sendText(
    `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-User: ${user}\r\nX-Forwarded-For: ${address}\r\nConnection: close\r\n\r\n`,
  );
  return await peer.head();
}

const openOf = ({ gateway: { sessions } }: TestGateway) => [...sessions.sessions].length;

/** The value of a metric. */
const read = async (sluice: TestGateway, name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await sluice.metrics())?.[1]);

test('the cap of a user holds over both, and a place that is given back in one may be taken in the other', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  const caps = '    limits: {connections: {max_per_user: 2}}';
  await using a = await gateway(upstream, store, caps);
  await using b = await gateway(upstream, store, caps);
  const first = await ask(a);
  expect(await statusOf(first)).toBe('101');
  expect(await statusOf(await ask(b))).toBe('101');
  for (const sluice of [a, b]) {
    expect(await (await ask(sluice)).head()).toMatch(/^HTTP\/1\.1 429 .*retry-after: /is);
    expect(await sluice.logged('refused')).toMatchObject({
      result: 'too_many_per_user',
      detail: 'connections.max_per_user is 2, over all pods',
      limit: { name: 'connections.max_per_user', configured: 2, observed: 3 },
    });
  }
  expect(await statusOf(await ask(a, { user: 'bob' }))).toBe('101');
  first.socket.destroy();
  await a.logged('end');
  await until(() => store.sumOf('user') === 1);
  expect(await statusOf(await ask(b))).toBe('101');
  expect(await read(b, 'sluice_quota_store_decisions_total\\{result="refused"\\}')).toBe(1);
});

test('the caps of a route and of an address hold over both', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  const caps = '    limits: {connections: {max: 3, max_per_address: 2}}';
  await using a = await gateway(upstream, store, caps);
  await using b = await gateway(upstream, store, caps);
  expect(await statusOf(await ask(a))).toBe('101');
  expect(await statusOf(await ask(b))).toBe('101');
  expect(await statusOf(await ask(b))).toBe('429');
  expect(await b.logged('refused')).toMatchObject({ result: 'too_many_per_address' });
  expect(await statusOf(await ask(a, { address: '192.0.2.2' }))).toBe('101');
  expect(await statusOf(await ask(b, { address: '192.0.2.3' }))).toBe('503');
  expect(await b.logged('refused')).toMatchObject({ result: 'too_many_connections', limit: { observed: 4 } });
});

test('rates hold over both, for handshakes and for plain requests, and say when to come back', async () => {
  await using upstream = await fakeUpstream({
    answer: (text) =>
      /^Upgrade/im.test(text) ? switching(text) : 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  });
  await using store = await FakeStore.start();
  const slow = '{rate: 1/s, burst: 2}';
  const rates = `    rates: {handshakes_per_user: ${slow}, requests_per_address: ${slow}}`;
  await using a = await gateway(upstream, store, rates);
  await using b = await gateway(upstream, store, rates);
  expect(await statusOf(await ask(a))).toBe('101');
  expect(await statusOf(await ask(b))).toBe('101');
  // What is refused takes no place.
  expect(await (await ask(b)).head()).toMatch(/^HTTP\/1\.1 429 .*retry-after: 2\r\n/is);
  expect(await b.logged('refused')).toMatchObject({
    result: 'user_handshake_rate',
    detail: 'rates.handshakes_per_user is 1/s with a burst of 2, over all pods',
  });
  await until(() => store.sumOf('route') === 2);
  expect(await request(a)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await request(b)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await request(b)).toMatch(/^HTTP\/1\.1 429 .*retry-after: 2\r\n/is);
  expect(await request(b, { address: '192.0.2.2' })).toMatch(/^HTTP\/1\.1 200 /);
});

test('what this pod refuses by its own count is not asked, and a request without a rate neither', async () => {
  await using upstream = await fakeUpstream({
    answer: (text) =>
      /^Upgrade/im.test(text) ? switching(text) : 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  });
  await using store = await FakeStore.start();
  await using a = await gateway(upstream, store, '    limits: {connections: {max_per_user: 1}}');
  expect(await statusOf(await ask(a))).toBe('101');
  const before = store.commands.length;
  expect(await statusOf(await ask(a))).toBe('429');
  expect(await request(a)).toMatch(/^HTTP\/1\.1 200 /);
  expect(store.commands.length).toBe(before);
});

test('where the route evicts, the longest idle connection here goes for one that is too many over all', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  const caps = '    limits: {connections: {max_per_user: 2, on_limit: evict_oldest}}';
  await using a = await gateway(upstream, store, caps);
  await using b = await gateway(upstream, store, caps);
  const there = await ask(a);
  const here = await ask(b);
  expect(await statusOf(there)).toBe('101');
  expect(await statusOf(here)).toBe('101');
  expect(await statusOf(await ask(b))).toBe('101');
  expect(await b.logged('end')).toMatchObject({ reason: 'evicted', limit: { configured: 2, observed: 3 } });
  // Those of another pod are not ended.
  here.socket.destroy();
  await until(() => store.sumOf('user') === 2);
  expect(openOf(a)).toBe(1);
  await using c = await gateway(upstream, store, caps);
  expect(await statusOf(await ask(c))).toBe('429');
});

test('a store that is gone costs nobody anything: each counts alone, says so, and goes on together when it is back', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  const caps = '    limits: {connections: {max_per_user: 2}}';
  await using a = await gateway(upstream, store, caps);
  await using b = await gateway(upstream, store, caps);
  expect(await read(a, 'sluice_quota_store_up')).toBe(1);
  expect(await statusOf(await ask(a))).toBe('101');
  store.answer = () => '-LOADING Redis is loading the dataset in memory\r\n';
  store.cut();
  for (const sluice of [a, b]) await sluice.logged('quota_store_lost');
  expect(await read(a, 'sluice_quota_store_up')).toBe(0);
  const open: Peer[] = [];
  for (const sluice of [a, b, b]) {
    const peer = await ask(sluice);
    expect(await statusOf(peer)).toBe('101');
    open.push(peer);
  }
  for (const sluice of [a, b]) expect(await statusOf(await ask(sluice))).toBe('429');
  expect(await read(b, 'sluice_quota_store_decisions_total\\{result="local"\\}')).toBe(2);
  store.counts.clear();
  store.answer = () => null;
  for (const sluice of [a, b]) await sluice.logged('quota_store_found');
  await until(() => store.sumOf('user') === 4);
  // Nobody was lost; who leaves makes no room before the cap holds again.
  expect(openOf(a) + openOf(b)).toBe(4);
  open[0]!.socket.destroy();
  await a.logged('end');
  expect(await statusOf(await ask(a))).toBe('429');
  for (const peer of open.slice(1)) peer.socket.destroy();
  await until(() => store.sumOf('user') === 1);
  expect(await statusOf(await ask(b))).toBe('101');
});

test('a store that nobody reaches at the start keeps nobody from starting', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  const store = await FakeStore.start();
  await store[Symbol.asyncDispose]();
  await using a = await gateway(upstream, store, '');
  expect(await a.logged('quota_store_lost')).toMatchObject({ level: 'warn' });
  expect(await statusOf(await ask(a))).toBe('101');
});

test('the password is in no line of the log, whatever the store makes of it, and holds again when it has changed', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'password');
  await writeFile(file, 'Zq7-old-secret\n');
  store.answer = ([name, user, secret]) =>
    name !== 'AUTH' || secret === 'Zq7-new-secret'
      ? null
      : `-ERR unknown command 'AUTH', with args beginning with: '${user}' '${secret}'\r\n`;
  await using a = await gateway(upstream, store, '', `, username: gate, password_file: "${file}"`);
  expect(await a.logged('quota_store_lost')).toMatchObject({ problem: 'ERR: it does not take the credentials' });
  expect(store.commands[0]).toEqual(['AUTH', 'gate', 'Zq7-old-secret']);
  await writeFile(file, 'Zq7-new-secret\n');
  await a.logged('quota_store_found');
  // One that quotes it later.
  store.answer = () => "-ERR who said 'Zq7-new-secret'?\r\n";
  expect(await statusOf(await ask(a))).toBe('101');
  expect(await a.logged('quota_store_lost')).toMatchObject({ problem: "ERR who said '[redacted]'?" });
  expect(JSON.stringify(a.log)).not.toMatch(/Zq7/);
});

test('a password that cannot be read keeps it from starting, as every file of a secret does', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  await expect(gateway(upstream, store, '', ', password_file: /nowhere/password')).rejects.toMatchObject({
    code: 'ERR_QUOTAS_FILE',
    message: 'quotas.password_file: /nowhere/password does not exist',
  });
});

test('a gateway that ends gives its places back at once', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using store = await FakeStore.start();
  const a = await gateway(upstream, store, '    limits: {connections: {max_per_user: 1}}');
  expect(await statusOf(await ask(a))).toBe('101');
  expect(store.sumOf('user')).toBe(1);
  await a[Symbol.asyncDispose]();
  await until(() => store.sumOf('user') + store.sumOf('route') === 0);
});
