/** The phases of a drain: what is accepted, forwarded, closed, left alone and cut, and what an operator sees of it. */
import { expect, test } from 'vitest';
import type { DrainPhase } from '../../src/drain/drain.ts';
import { type FakeUpstream, fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame, closeFrame, frame } from '../helpers/frames.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

const minute = 60_000;
const patient = { close: 'wait', protect: 'client', spreadMs: 0, deadlineMs: 10 * minute } as const;
const request = 'GET /page HTTP/1.1\r\nHost: gateway.test\r\n\r\n';

function answer(text: string): string {
  return `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

function ready(gateway: TestGateway): Promise<Response> {
  return fetch(`http://127.0.0.1:${gateway.adminPort}/readyz`);
}

/** Sends one message each way. */
async function expectAlive(client: Peer, server: Peer): Promise<void> {
  client.send(clientFrame('up'));
  expect((await server.frame()).payload.toString()).toBe('up');
  server.send(frame('down'));
  expect((await client.frame()).payload.toString()).toBe('down');
}

/** Answers the goodbye on both sides. */
async function leave(client: Peer, upstream: FakeUpstream): Promise<number | null> {
  const { code } = await client.closeFrame();
  client.send(closeFrame(code, '', { mask: true }));
  const server = await upstream.next();
  await server.closeFrame();
  server.send(closeFrame(1001));
  return code;
}

test('announces itself: not ready at once, and everything is still accepted', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream, { drain: patient })], announceMs: minute });
  expect(gateway.gateway.drainState).toBeNull();
  const over = gateway.gateway.drain({ cause: 'api' });

  expect((await ready(gateway)).status).toBe(503);
  expect(await gateway.metrics()).toContain('\nsluice_draining 1\n');
  expect(await gateway.logged('draining')).toMatchObject({ phase: 'announce', cause: 'api', connections: 0 });
  const client = await rawClient(gateway.port);
  const { phase, connections, closesAtMs, deadlineAtMs, startedAtMs } = gateway.gateway.drainState!;
  expect({ phase, connections }).toEqual({ phase: 'announce', connections: 1 });
  expect(closesAtMs - startedAtMs).toBeCloseTo(minute, -2);
  expect(deadlineAtMs - startedAtMs).toBeCloseTo(10 * minute, -2);

  // Whoever came meanwhile is sent away like the others.
  gateway.gateway.hasten();
  expect(await leave(client, upstream)).toBe(1012);
  expect(await over).toEqual({ connections: 1, endedThemselves: 0, sentAway: 1, cut: 0 });
  expect(await gateway.logged('drained')).toMatchObject({ cause: 'api', connections: 1, sent_away: 1, cut: 0 });
});

test('asked for again, goes on as it was', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream, { drain: patient })], announceMs: minute });
  void gateway.gateway.drain({ cause: 'api' });
  void gateway.gateway.drain({ cause: 'SIGTERM', announce: false });
  expect(gateway.gateway.drainState).toMatchObject({ phase: 'announce', cause: 'api' });
});

test('then refuses handshakes, tells when to come back, and goes on forwarding requests', async () => {
  await using upstream = await fakeUpstream();
  await using pages = await fakeUpstream({ answer: () => answer('page') });
  await using gateway = await startGateway({
    routes: [routeTo(upstream, { drain: patient }), routeTo(pages, { name: 'pages', path: '/page', drain: patient })],
  });
  const kept = await rawConnect(gateway.port);
  kept.sendText(request);
  expect(await kept.head()).not.toMatch(/^Connection: close\r$/im);
  await kept.bytes(4);
  const client = await rawClient(gateway.port);
  void gateway.gateway.drain({ cause: 'SIGTERM' });
  expect(gateway.gateway.drainState).toMatchObject({ phase: 'close', connections: 1 });

  const late = await rawConnect(gateway.port);
  late.sendText(handshakeRequest());
  const refusal = (await late.rest()).toString();
  expect(refusal).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
  expect(refusal).toMatch(/\r\nRetry-After: [1-5]\r\n/);
  expect(await gateway.logged('refused')).toMatchObject({ flag: 'DR', result: 'draining', status: 503 });
  expect((await ready(gateway)).status).toBe(503);

  // A page that is left open loads its files, on the connection that it has and on new ones; each is the last on it.
  const fresh = await rawConnect(gateway.port);
  fresh.sendText(request);
  kept.sendText(request);
  for (const peer of [kept, fresh]) {
    expect((await peer.rest()).toString()).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n(.*\r\n)?\r\npage$/s);
  }
  client.socket.destroy();
});

test('leaves connections alone where the route waits, until they end by themselves', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream, { drain: patient })] });
  const client = await rawClient(gateway.port);
  const server = await upstream.next();
  const over = gateway.gateway.drain({ cause: 'SIGTERM' });
  await gateway.logged('draining', { phase: 'close' });
  await expectAlive(client, server);
  client.send(closeFrame(1000, '', { mask: true }));
  expect(await server.closeFrame()).toMatchObject({ code: 1000 });
  server.send(closeFrame(1000));
  expect(await over).toEqual({ connections: 1, endedThemselves: 1, sentAway: 0, cut: 0 });
});

test('cuts at the deadline of each route, a second after its last words', async () => {
  await using upstream = await fakeUpstream();
  const soon = { ...patient, deadlineMs: 1100 };
  await using gateway = await startGateway({
    routes: [
      routeTo(upstream, { drain: soon }),
      routeTo(upstream, { name: 'other', path: '/other', drain: { ...patient, deadlineMs: 6000 } }),
    ],
  });
  const silent = await rawClient(gateway.port);
  await upstream.next();
  const other = await rawClient(gateway.port, { path: '/other' });
  const server = await upstream.next();
  const over = gateway.gateway.drain({ cause: 'SIGTERM' });

  expect(await silent.closeFrame()).toMatchObject({ code: 1012 });
  expect(await silent.ended).toBe('reset');
  expect(await gateway.logged('end')).toMatchObject({ route: 'test', reason: 'drain', flag: 'DR', draining: true });
  await expectAlive(other, server);
  // The last of all deadlines is near.
  expect(await gateway.logged('draining', { phase: 'cut' })).toMatchObject({ connections: 1 });
  expect(await other.closeFrame()).toMatchObject({ code: 1012 });
  expect(await other.ended).toBe('reset');
  expect(await over).toEqual({ connections: 2, endedThemselves: 0, sentAway: 0, cut: 2 });
});

test('ends when the last request has its answer, and accepts nothing once only requests are left', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  await using gateway = await startGateway({ routes: [routeTo(upstream, { drain: patient })] });
  const reader = await rawConnect(gateway.port);
  reader.sendText(request);
  const server = await upstream.next();
  const over = gateway.gateway.drain({ cause: 'SIGTERM' });
  expect(await gateway.logged('draining', { phase: 'finish' })).toMatchObject({ connections: 0, requests: 1 });
  await expect(rawConnect(gateway.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect((await ready(gateway)).status).toBe(503);
  server.sendText(answer('slow'));
  expect((await reader.rest()).toString()).toMatch(/\r\n\r\nslow$/);
  await over;
  expect(await gateway.logged('drained')).toMatchObject({ requests_cut: 0 });
});

test('cuts requests at the deadline of their route too', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  const soon = { ...patient, deadlineMs: 300 };
  await using gateway = await startGateway({
    routes: [routeTo(upstream, { drain: soon }), routeTo(upstream, { name: 'other', path: '/page/2', drain: patient })],
  });
  const reader = await rawConnect(gateway.port);
  reader.sendText(request);
  const server = await upstream.next();
  const other = await rawConnect(gateway.port);
  other.sendText(request.replace('/page', '/page/2'));
  const second = await upstream.next();
  const over = gateway.gateway.drain({ cause: 'SIGTERM' });
  await Promise.all([reader.gone, server.gone]);
  second.sendText(answer('slow'));
  expect((await other.rest()).toString()).toMatch(/\r\n\r\nslow$/);
  await over;
  expect(await gateway.logged('http_failed')).toMatchObject({
    result: 'cut',
    route: 'test',
    method: 'GET',
    path: expect.stringMatching(/^\//),
  });
  expect(await gateway.logged('drained')).toMatchObject({ requests_cut: 1 });
});

test('serve: SIGTERM announces, and a second one sends everybody away at once', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port, adminPort } = await Serve.start(upstream, {
    drain: '{announce: 1m, spread: 5m, deadline: 10m}',
  });
  await using _ = serve;
  const client = await rawClient(port);
  serve.process.kill('SIGTERM');
  expect(await serve.logged('draining')).toMatchObject({ phase: 'announce', cause: 'SIGTERM', deadline_s: 600 });
  expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status).toBe(503);
  await expectAlive(client, await upstream.next());
  serve.process.kill('SIGTERM');
  expect(await client.closeFrame()).toMatchObject({ code: 1012 });
  client.send(closeFrame(1012, '', { mask: true }));
  const phases: DrainPhase[] = ['close', 'cut'];
  for (const phase of phases) expect(await serve.logged('draining')).toMatchObject({ phase });
  expect(await serve.logged('drained')).toMatchObject({ connections: 1, sent_away: 1 });
  expect(await serve.exit).toBe(0);
});

test('serve: SIGINT does not wait for load balancers', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port } = await Serve.start(upstream, { drain: '{announce: 1m, spread: 0, deadline: 10m}' });
  await using _ = serve;
  const client = await rawClient(port);
  serve.process.kill('SIGINT');
  expect(await serve.logged('draining')).toMatchObject({ phase: 'close', cause: 'SIGINT' });
  expect(await leave(client, upstream)).toBe(1012);
  expect(await serve.exit).toBe(0);
});

test('serve: a SIGTERM joins the drain that the API has begun, and hastens nothing', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port, adminPort } = await Serve.start(upstream, {
    drain: '{announce: 1m, spread: 5m, deadline: 10m}',
  });
  await using _ = serve;
  const drain = `http://127.0.0.1:${adminPort}/api/drain`;
  expect((await fetch(drain, { method: 'POST' })).status).toBe(202);
  expect(await serve.logged('draining')).toMatchObject({ phase: 'announce', cause: 'api' });
  serve.process.kill('SIGTERM');
  expect(await serve.logged('draining')).toMatchObject({ phase: 'announce', cause: 'api', joined_by: 'SIGTERM' });
  await expectAlive(await rawClient(port), await upstream.next());
  expect(await (await fetch(drain)).json()).toMatchObject({ draining: true, progress: { phase: 'announce' } });
});
