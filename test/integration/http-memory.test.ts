/** Plain HTTP and handshakes under way count in `memory.max_buffered` like messages do. */
import { expect, test } from 'vitest';
import { testConnector } from '../helpers/connector.ts';
import { counts } from '../helpers/counts.ts';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { routeTo as gatewayRouteTo, startGateway } from '../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { over, RawHttp, routeTo, startFront, startUpstream } from './http-front.ts';

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

/** An upstream whose answers are larger than all buffers on the way. */
function endless() {
  return startUpstream((_req, res) => {
    const chunk = Buffer.alloc(65_536, 'x');
    const write = () => {
      while (res.write(chunk));
    };
    res.on('drain', write);
    write();
  });
}

/** A client that takes nothing of its answer. */
function stuck(port: number): RawHttp {
  const client = new RawHttp(port);
  client.socket.pause();
  client.send(get);
  return client;
}

const KiB = 1024;

test('a request holds memory while it is under way, and more while its client takes nothing', async () => {
  const upstream = await endless();
  const front = await startFront(routeTo(upstream.port));
  const client = stuck(front.port);
  // Beside what two small heads take.
  await expect.poll(() => Math.floor(front.memory.usedBytes / KiB)).toBe(48 + 288);
  client.socket.destroy();
  await expect.poll(() => front.memory.usedBytes).toBe(0);
  expect(front.memory.holders.size).toBe(0);
});

test('what waits of a body and of its answer counts beside each other, each as long as its receiver lags behind', async () => {
  let readBody = () => {};
  const upstream = await startUpstream((req, res) => {
    readBody = () => void req.resume();
    const chunk = Buffer.alloc(65_536, 'x');
    const write = () => {
      while (res.write(chunk));
    };
    res.on('drain', write);
    write();
  });
  const front = await startFront(routeTo(upstream.port));
  const client = new RawHttp(front.port);
  client.socket.pause();
  client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n');
  client.socket.write(Buffer.alloc(50_000_000));
  const held = () => Math.floor(front.memory.usedBytes / KiB);
  await expect.poll(held).toBeGreaterThanOrEqual(48 + 2 * 288);
  readBody();
  await expect.poll(() => client.socket.writableLength).toBe(0);
  await expect.poll(held).toBe(48 + 288);
  client.socket.destroy();
  await expect.poll(() => front.memory.usedBytes).toBe(0);
});

test('a body that has gone waits for nobody, however long its answer takes', async () => {
  const { promise: hasBody, resolve } = Promise.withResolvers<void>();
  const upstream = await startUpstream((req) => void req.resume().once('end', resolve));
  const front = await startFront(routeTo(upstream.port));
  const client = new RawHttp(front.port);
  client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n${'x'.repeat(5_000_000)}`);
  await hasBody;
  await expect.poll(() => Math.floor(front.memory.usedBytes / KiB)).toBe(48);
});

test('where memory is short a request gets 503, is told of and counted', async () => {
  const upstream = await startUpstream((_req, res) => res.end('ok'));
  const front = await startFront(routeTo(upstream.port), {}, testConnector(), 1000 * KiB);
  front.memory.take(800 * KiB);
  const client = new RawHttp(front.port);
  client.send(get.replace('Host', 'Connection: close\r\nHost'));
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 503 /);
  expect(front.lines).toMatchObject([{ event: 'http_failed', result: 'memory', flag: 'MH', status: 503 }]);
  await expect.poll(() => counts(front.counters.httpRequests)).toEqual({ 'GET|5xx': 1 });
  front.memory.give(800 * KiB);
  const next = new RawHttp(front.port);
  next.send(get);
  await next.until('ok');
});

test('where more is held than may be the largest go, and others go on', async () => {
  const upstream = await endless();
  const front = await startFront(routeTo(upstream.port), {}, testConnector(), 1000 * KiB);
  const clients = [stuck(front.port), stuck(front.port), stuck(front.port)];
  await expect.poll(() => front.lines.length).toBe(1);
  expect(front.lines).toMatchObject([
    { event: 'http_failed', result: 'memory', limit: { name: 'memory.max_buffered', configured: 1000 * KiB } },
  ]);
  expect(front.memory.usedBytes).toBeLessThanOrEqual(1000 * KiB);
  expect(front.forwarder.active).toBe(2);
  expect(clients.length).toBe(3);
});

test('a request that was refused holds no more than any, whatever its head had, and goes where memory is spent', async () => {
  const upstream = await startUpstream(() => {});
  const front = await startFront(routeTo(upstream.port, { maxBodyBytes: 10 }), {}, testConnector(), 1000 * KiB);
  const client = new RawHttp(front.port);
  const chunk = `14\r\n${'x'.repeat(20)}\r\n`;
  client.send(`PUT / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(9000)}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
  await client.until('\r\n\r\n');
  expect(front.lines).toMatchObject([{ event: 'http_failed', result: 'body_too_large', status: 413 }]);
  // The rest of the body may come.
  expect([front.forwarder.active, front.memory.usedBytes]).toEqual([1, 48 * KiB]);
  front.memory.take(1000 * KiB);
  await over(client.socket);
  await expect.poll(() => [front.forwarder.active, front.memory.usedBytes]).toEqual([0, 1000 * KiB]);
  expect(front.lines).toHaveLength(1);
});

test('who has taken nothing for longer than a receiver may goes for a newcomer', async () => {
  const upstream = await endless();
  const route = routeTo(upstream.port);
  const limits = { ...route.limits, upstream: { ...route.limits.upstream, maxPauseMs: 1 } };
  const front = await startFront({ ...route, limits }, {}, testConnector(), 448 * KiB);
  stuck(front.port);
  // For as long as the kernel takes something of its answer, the first is not stuck: then a newcomer comes in beside
  // it, or is refused itself.
  await expect.poll(() => front.forwarder.active).toBe(1);
  const isGone = () => front.forwarder.active === 0;
  for (;;) {
    await expect.poll(() => front.memory.pressed || isGone()).toBe(true);
    if (isGone()) break;
    const newcomer = new RawHttp(front.port);
    newcomer.send(get);
    await newcomer.until('\r\n\r\n');
    newcomer.socket.destroy();
  }
  expect(front.lines.at(-1)).toMatchObject({ event: 'http_failed', result: 'memory' });
});

test('a reader that the kernel still serves is not cut for inactivity; one that takes nothing is', {
  // Where the kernel's tables are long, because of somebody else's sockets, each look at them takes seconds.
  timeout: 240_000,
}, async () => {
  const upstream = await endless();
  const front = await startFront(routeTo(upstream.port, { inactivityMs: 3000 }));
  const slow = stuck(front.port);
  stuck(front.port);
  // Slower than what Node hears of: the kernel frees a third of its buffer first.
  const reading = setInterval(() => slow.socket.read(4096), 50);
  slow.socket.on('readable', () => {});
  await expect.poll(() => front.lines.length, { timeout: 100_000 }).toBe(1);
  expect(front.lines).toMatchObject([{ event: 'http_failed', result: 'client_timeout' }]);
  // Three times as long as the other lived.
  await expect.poll(() => slow.socket.bytesRead, { timeout: 100_000 }).toBeGreaterThan(800 * KiB);
  clearInterval(reading);
  expect(front.forwarder.active).toBe(1);
});

test('a handshake under way holds memory, its header too, and no more when it is over', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  await using gateway = await startGateway({ routes: [gatewayRouteTo(upstream)] });
  const { budget } = gateway.gateway.sessions.memory;
  const client = await rawConnect(gateway.port);
  const request = handshakeRequest({ headers: { Cookie: 'x'.repeat(30_000) } });
  client.sendText(request);
  await upstream.next();
  expect(budget.usedBytes).toBeGreaterThan(16 * KiB + 2 * request.length);
  client.reset();
  await expect.poll(() => budget.usedBytes).toBe(0);
});

test.each([
  // The head for the upstream, which may have to be sent again, and the target.
  ['fast', '', 2, 0],
  ['careful', 'http://gateway.test', 2, 2],
])('the heads of a request under way count in the %s lane', async (_lane, host, asked, answered) => {
  await using upstream = await fakeUpstream({ answer: () => null });
  await using gateway = await startGateway({ routes: [gatewayRouteTo(upstream)] });
  const { budget, buffers } = gateway.gateway.sessions.memory;
  const heldBytes = () => budget.usedBytes - buffers.lentBytes;
  const long = 'x'.repeat(30_000);
  const client = await rawConnect(gateway.port);
  client.sendText(`GET ${host}/?${long} HTTP/1.1\r\nHost: gateway.test\r\n\r\n`);
  const server = await upstream.next();
  expect(heldBytes()).toBeGreaterThan(8 * KiB + asked * long.length);
  server.sendText(`HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Long: ${long}\r\n\r\nbegun`);
  expect((await client.head()).length).toBeGreaterThan(long.length);
  expect(heldBytes()).toBeGreaterThan(8 * KiB + (asked + answered) * long.length);
  client.reset();
  await expect.poll(() => budget.usedBytes).toBe(0);
});

test.each([
  ['fast', '/'],
  ['careful', 'http://gateway.test/'],
])('headers that come in part count in the %s lane, and where memory is short get 503', async (_lane, target) => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [gatewayRouteTo(upstream)] });
  const { budget } = gateway.gateway.sessions.memory;
  const client = await rawConnect(gateway.port);
  client.sendText(`GET ${target} HTTP/1.1\r\nCookie: ${'x'.repeat(10_000)}`);
  await expect.poll(() => budget.usedBytes).toBeGreaterThan(16_000);
  budget.take(budget.limitBytes);
  client.sendText('x');
  expect((await client.rest()).toString()).toMatch(/^HTTP\/1\.1 503 /);
  budget.give(budget.limitBytes);
  expect(budget.usedBytes).toBe(0);
  expect(gateway.gateway.counters.unrouted.handshakes.get('memory')).toBe(1);
});
