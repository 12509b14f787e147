/** Requests on routes of an API: where they go, under which limits, and what is counted. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fakeUpstream, headerOf, headersOf } from '../../helpers/fake-upstream.ts';
import { clientFrame, closeOf, frame } from '../../helpers/frames.ts';
import { ask, echo, httpServer, hubGateway, textUntil } from '../../helpers/hub.ts';
import { rawClient, rawConnect, sampleAccept } from '../../helpers/raw-client.ts';
import { until } from '../../helpers/until.ts';

test('a unix socket is a target, for HTTP and for WebSockets', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'hub-')), 'a.sock');
  const server = createServer(echo).listen(path);
  server.on('upgrade', ({ url }, socket: Socket) => {
    onTestFinished(() => void socket.destroy());
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
    socket.write([...head, `Sec-WebSocket-Accept: ${sampleAccept}`, '', ''].join('\r\n'));
    socket.write(frame(url!));
  });
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const hub = await hubGateway();
  expect((await hub.set('/a', `http+unix://${encodeURIComponent(path)}/base`)).status).toBe(201);
  for (const _ of [1, 2]) expect(JSON.parse((await ask(hub.port, '/a/x?y')).body).url).toBe('/base/a/x?y');
  const client = await rawClient(hub.port, { path: '/a/ws?x=1' });
  expect((await client.frame()).payload.toString()).toBe('/base/a/ws?x=1');
});

test('the path of a target comes first, in a handshake too', async () => {
  await using upstream = await fakeUpstream();
  const hub = await hubGateway();
  await hub.set('/a', `http://127.0.0.1:${upstream.port}/base`);
  await rawClient(hub.port, { path: '/a/ws?x=1' });
  expect((await upstream.next()).request).toMatch(/^GET \/base\/a\/ws\?x=1 HTTP/);
  const careful = await rawConnect(hub.port);
  careful.sendText('GET http://h/a/x HTTP/1.1\r\nHost: h\r\n\r\n');
  expect((await upstream.next()).request).toMatch(/^GET \/base\/a\/x HTTP/);
});

test('the rules of flags hold in both lanes', async () => {
  await using upstream = await fakeUpstream({
    answer: () =>
      'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/else\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  });
  const hub = await hubGateway({
    rules: {
      headers: [['X-Custom', 'ours']],
      forwarded: false,
      targetHost: true,
      locationHost: true,
      locationScheme: 'https:',
    },
  });
  await hub.set('/a', upstream.port);
  // A target in absolute form is for the careful lane.
  for (const target of ['/a', 'http://apps.example/a']) {
    const client = await rawConnect(hub.port);
    client.sendText(
      [`GET ${target} HTTP/1.1`, 'Host: apps.example', 'x-custom: theirs', 'X-Forwarded-For: 6.6.6.6', '', ''].join(
        '\r\n',
      ),
    );
    const { request } = await upstream.next();
    expect(headersOf(request, 'X-Custom')).toEqual(['ours']);
    expect(headersOf(request, 'X-Forwarded-For')).toEqual([]);
    expect(headersOf(request, 'Host')).toEqual([`127.0.0.1:${upstream.port}`]);
    expect(headerOf(await client.head(), 'Location')).toBe('http://127.0.0.1:1/else');
  }
});

test('a Location that names the target gets the client’s host and scheme where that is wanted', async () => {
  const port = await httpServer((req, res) => {
    res.writeHead(302, { Location: `http://127.0.0.1:${req.socket.localPort}/else?x` }).end();
  });
  const hub = await hubGateway({ rules: { locationHost: true, locationScheme: 'https:' } });
  await hub.set('/a', port);
  // A target in absolute form is for the careful lane.
  for (const target of ['/a', 'http://apps.example/a']) {
    const client = await rawConnect(hub.port);
    client.sendText([`GET ${target} HTTP/1.1`, 'Host: apps.example', '', ''].join('\r\n'));
    expect(headerOf(await client.head(), 'Location')).toBe('https://apps.example/else?x');
  }
  const plain = await hubGateway();
  await plain.set('/a', port);
  expect((await ask(plain.port, '/a')).headers.location).toBe(`http://127.0.0.1:${port}/else?x`);
});

const templates = `templates: [
  {name: the-hub, kind: hub}, {name: servers, kind: server, limits: {client: {max_message_size: 10B}}},
  {name: rooms, kind: server, path: /api/room, limits: {client: {max_message_size: 100B}}}]`;

test('limits and labels are those of the template, by what the route belongs to and what follows its path', async () => {
  await using upstream = await fakeUpstream();
  const hub = await hubGateway({ api: templates });
  await hub.set('/', upstream.port, { hub: true });
  await hub.set('/user/ann', upstream.port, { user: 'ann' });
  await hub.set('/user/b%2Fc', upstream.port, { user: 'b/c' });
  const closes = async (path: string, size: number) => {
    const client = await rawClient(hub.port, { path });
    const server = await upstream.next();
    client.send(clientFrame('x'.repeat(size)));
    const heard = await server.frame();
    return heard.opcode === 8 ? closeOf(heard).code : null;
  };
  expect(await closes('/user/ann/ws', 11)).toBe(1009);
  expect(await closes('/user/ann/ws', 10)).toBeNull();
  expect(await closes('/user/ann/api/room/x', 11)).toBeNull();
  expect(await closes('/user/ann/api/room/x', 101)).toBe(1009);
  expect(await closes('/user/b%2Fc/api/room/x', 11)).toBeNull();
  expect(await closes('/user/b%2Fc/ws', 11)).toBe(1009);
  expect(await closes('/hub/ws', 11)).toBeNull();
  const { counters } = hub.gateway;
  expect(['the-hub', 'servers', 'rooms'].map((label) => counters.of(label).handshakes.get('opened'))).toEqual([
    1, 3, 3,
  ]);
});

test('labels do not grow with routes', async () => {
  const port = await httpServer(echo);
  const hub = await hubGateway();
  const size = async () => {
    const text = Buffer.concat(await hub.gateway.renderMetrics('text')).toString();
    return text.split('\n').filter((line) => line.includes('route=')).length;
  };
  for (let i = 0; i < 5; i++) await hub.set(`/user/u${i}`, port, { user: `u${i}` });
  await ask(hub.port, '/user/u1/x');
  const before = await size();
  for (let i = 5; i < 50; i++) await hub.set(`/user/u${i}`, port, { user: `u${i}` });
  for (let i = 5; i < 50; i++) expect((await ask(hub.port, `/user/u${i}/x`)).status).toBe(200);
  expect(await size()).toBe(before);
});

test('metrics say how many routes there are, and when somebody last set or asked for one', async () => {
  let now = 4_000_000;
  const hub = await hubGateway({ now: () => now });
  const metrics = async () => Buffer.concat(await hub.gateway.renderMetrics('text')).toString();
  // A hub that never comes is silent from the start on.
  now = 5_000_000;
  expect(await metrics()).toContain('sluice_routes_api_last_request_timestamp_seconds 4000\n');
  await hub.set('/a', 1);
  await hub.api('');
  await hub.api('', { headers: {} });
  expect(await metrics()).toContain('sluice_routes_api_routes 1');
  expect(await metrics()).toContain('sluice_routes_api_requests_total 2');
  expect(await metrics()).toContain('sluice_routes_api_last_request_timestamp_seconds 5000\n');
});

test('what is open lives on when its route goes or leads elsewhere', async () => {
  await using upstream = await fakeUpstream();
  const hub = await hubGateway();
  await hub.set('/a', upstream.port);
  const client = await rawClient(hub.port, { path: '/a' });
  const server = await upstream.next();
  await hub.set('/a', 1);
  await hub.api('/a', { method: 'DELETE' });
  client.send(clientFrame('still'));
  expect((await server.frame()).payload.toString()).toBe('still');
  server.send(frame('here'));
  expect((await client.frame()).payload.toString()).toBe('here');
});

describe('a server that answers as Sluice would', () => {
  test('has no say in health, nor in who asks', async () => {
    const port = await httpServer((_req, res) => {
      res.setHeader('X-Forwarded-For', '6.6.6.6').end('mine');
    });
    const hub = await hubGateway();
    await hub.set('/', port, { hub: true });
    await hub.set('/_chp_healthz', port, { user: 'eve' });
    expect((await ask(hub.port, '/_chp_healthz')).body).toBe('{"status":"OK"}');
    const client = await rawConnect(hub.port);
    client.sendText('GET /_chp_healthz HTTP/1.0\r\nHost: h\r\n\r\n');
    await textUntil(client, '{"status":"OK"}');
    expect((await ask(hub.port, '/x')).body).toBe('mine');
  });
});

describe('health, whose answers are our own', () => {
  test.each([
    ['that waits to be told to go on', '1.1', 'Expect: 100-continue\r\nContent-Length: 29'],
    ['with a length', '1.1', 'Content-Length: 29'],
    ['in chunks', '1.1', 'Transfer-Encoding: chunked'],
    ['with a length, in the careful lane', '1.0', 'Connection: keep-alive\r\nContent-Length: 29'],
    ['in chunks that HTTP/1.0 does not know', '1.0', 'Connection: keep-alive\r\nTransfer-Encoding: chunked'],
  ])('a body %s is no request', async (_, version, lines) => {
    const seen: string[] = [];
    const hub = await hubGateway();
    const port = await httpServer((req, res) => {
      seen.push(req.url!);
      res.end();
    });
    await hub.set('/a', port);
    const client = await rawConnect(hub.port);
    client.sendText(
      `POST /_chp_healthz HTTP/${version}\r\nHost: h\r\n${lines}\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n`,
    );
    client.socket.end();
    const answer = (await client.rest()).toString();
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(seen).toEqual([]);
  });

  test('nobody is asked again who does not read them', async () => {
    const hub = await hubGateway();
    const client = await rawConnect(hub.port);
    client.socket.pause();
    const many = Buffer.from('GET /_chp_healthz HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(10_000));
    // The kernels of both sides take some MB; the rest goes where somebody reads.
    for (let i = 0; i < 100; i++) client.socket.write(many);
    const { budget } = hub.gateway.sessions.memory;
    await until(() => budget.usedBytes > 0);
    const written = () => client.socket.bytesWritten - client.socket.writableLength;
    let before = -1;
    await until(async () => {
      const now = written();
      await new Promise((resolve) => setTimeout(resolve, 200));
      const stands = now === before;
      before = now;
      return stands;
    });
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(budget.usedBytes).toBeLessThan(1024 * 1024);
  });
});

test('JupyterHub may name a unix socket as the host', async () => {
  const hub = await hubGateway();
  await hub.set('/', await httpServer(echo), { hub: true });
  expect((await ask(hub.port, '/hub/api', { headers: { host: '%2ftmp%2fproxy.sock' } })).status).toBe(200);
  expect((await ask(hub.port, '/hub/api', { headers: { host: 'a b' } })).status).toBe(400);
});

test('requests one behind the other on one connection, health among them, have their answers in turn', async () => {
  const hub = await hubGateway();
  await hub.set('/a', await httpServer((req, res) => res.end(`<${req.url}>`)));
  const client = await rawConnect(hub.port);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
  client.sendText(get('/a/1') + get('/_chp_healthz') + get('/a/2'));
  await textUntil(client, '</a/2>');
});

test('a template asks for credentials, and what the data of a route says of them means nothing', async () => {
  await using upstream = await fakeUpstream({
    answer: () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  });
  const folder = mkdtempSync(join(tmpdir(), 'hub-auth-'));
  const users = join(folder, 'users');
  writeFileSync(users, `ann:${hashSync('hunter2', 4)}\n`);
  const templates = `templates: [{name: all, kind: other, auth: [{basic: {file: ${users}}}]}]`;
  const hub = await hubGateway({ api: templates });
  const named = join(folder, 'named-by-data');
  writeFileSync(named, `eve:${hashSync('hunter2', 4)}\n`);
  const data = {
    auth: [{ basic: { file: named } }],
    origins: [],
    revoked_users: named,
    identity_headers: { user: 'X' },
  };
  expect((await hub.set('/a', upstream.port, data)).status).toBe(201);
  const as = (name: string) => ({
    headers: { Authorization: `Basic ${Buffer.from(`${name}:hunter2`).toString('base64')}` },
  });
  expect((await ask(hub.port, '/a')).status).toBe(401);
  expect((await ask(hub.port, '/a', as('eve'))).status).toBe(401);
  expect(upstream.accepted).toBe(0);
  expect((await ask(hub.port, '/a', as('ann'))).status).toBe(200);
  const { request } = await upstream.next();
  expect(headersOf(request, 'X')).toEqual([]);
});
