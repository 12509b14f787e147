/** What counts as use of a route, by a clock that the test sets. */
import { describe, expect, test } from 'vitest';
import { fakeUpstream, switching } from '../../helpers/fake-upstream.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { ask, httpServer, hubGateway, textUntil } from '../../helpers/hub.ts';
import { handshakeRequest, rawClient, rawConnect } from '../../helpers/raw-client.ts';

const ping = 9;
const pong = 10;

/** A gateway whose clock stands still. */
async function clocked(api = '') {
  const clock = { now: 1_000_000 };
  const hub = await hubGateway({ api, now: () => clock.now });
  return { hub, clock };
}

test('setting a route is use of it', async () => {
  const { hub, clock } = await clocked();
  await hub.set('/a', 1);
  clock.now = 2_000_000;
  expect(await hub.lastActivity('/a')).toBe(1_000_000);
  await hub.set('/a', 1);
  expect(await hub.lastActivity('/a')).toBe(2_000_000);
});

test.each([
  [200, true],
  [204, true],
  [302, false],
  [304, false],
  [404, false],
  [500, false],
])('an answer %i is use: %s', async (status, counts) => {
  const { hub, clock } = await clocked();
  await hub.set('/a', await httpServer((_req, res) => res.writeHead(status).end()));
  clock.now = 2_000_000;
  expect((await ask(hub.port, '/a/x')).status).toBe(status);
  expect(await hub.lastActivity('/a')).toBe(counts ? 2_000_000 : 1_000_000);
});

test('in the careful lane too', async () => {
  const { hub, clock } = await clocked();
  await hub.set('/a', await httpServer((_req, res) => res.end('x')));
  clock.now = 2_000_000;
  const client = await rawConnect(hub.port);
  // A target in absolute form is for the careful lane.
  client.sendText('GET http://h/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  await client.ended;
  expect(await hub.lastActivity('/a')).toBe(2_000_000);
});

test('no server is no use', async () => {
  const { hub, clock } = await clocked();
  await hub.set('/a', 1);
  clock.now = 2_000_000;
  expect((await ask(hub.port, '/a')).status).toBe(503);
  expect(await hub.lastActivity('/a')).toBe(1_000_000);
});

test('an answer is use while it flows, and when it ends', async () => {
  const { hub, clock } = await clocked();
  const { promise, resolve } = Promise.withResolvers<(text: string | null) => void>();
  const port = await httpServer((_req, res) => {
    res.write('first');
    resolve((text) => (text === null ? res.end() : res.write(text)));
  });
  await hub.set('/a', port);
  const client = await rawConnect(hub.port);
  clock.now = 2_000_000;
  client.sendText('GET /a HTTP/1.1\r\nHost: h\r\n\r\n');
  const say = await promise;
  await textUntil(client, 'first');
  expect(await hub.lastActivity('/a')).toBe(2_000_000);
  clock.now = 3_000_000;
  say('second');
  await textUntil(client, 'second');
  expect(await hub.lastActivity('/a')).toBe(3_000_000);
  clock.now = 4_000_000;
  say(null);
  await textUntil(client, '0\r\n\r\n');
  expect(await hub.lastActivity('/a')).toBe(4_000_000);
});

test('a message of the client is use; pings, pongs, close frames and the server’s messages never are', async () => {
  await using upstream = await fakeUpstream();
  const { hub, clock } = await clocked();
  await hub.set('/user/ann', upstream.port, { user: 'ann' });
  clock.now = 2_000_000;
  const client = await rawClient(hub.port, { path: '/user/ann/api/kernels/1/channels' });
  const server = await upstream.next();
  server.send(frame('output'));
  await client.frame();
  client.send(clientFrame('', { opcode: ping }));
  await client.frame();
  client.send(clientFrame('', { opcode: pong }));
  server.send(frame('more output'));
  await client.frame();
  expect(await hub.lastActivity('/user/ann')).toBe(1_000_000);
  client.send(clientFrame('typed'));
  await server.frame();
  expect(await hub.lastActivity('/user/ann')).toBe(2_000_000);
  clock.now = 3_000_000;
  client.send(clientFrame(''));
  await server.frame();
  expect(await hub.lastActivity('/user/ann'), 'an empty message').toBe(3_000_000);
  clock.now = 4_000_000;
  client.send(closeFrame(1000, '', { mask: true }));
  await server.frame();
  expect(await hub.lastActivity('/user/ann')).toBe(3_000_000);
});

test('messages of the server are use where that is wanted', async () => {
  await using upstream = await fakeUpstream();
  const { hub, clock } = await clocked('activity: {upstream: true}');
  await hub.set('/a', upstream.port);
  const client = await rawClient(hub.port, { path: '/a' });
  const server = await upstream.next();
  clock.now = 2_000_000;
  server.send(frame('output'));
  await client.frame();
  expect(await hub.lastActivity('/a')).toBe(2_000_000);
});

test('failed handshakes are no use', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) =>
      request.includes('/good') ? switching(request) : 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
  });
  const { hub, clock } = await clocked();
  await hub.set('/a', upstream.port);
  clock.now = 2_000_000;
  await expect(rawClient(hub.port, { path: '/a/bad' })).rejects.toThrow('403');
  expect(await hub.lastActivity('/a')).toBe(1_000_000);
});

test('a clock that jumps ahead and back leaves no time that is still to come', async () => {
  const { hub, clock } = await clocked();
  await hub.set('/a', await httpServer((_req, res) => res.end()));
  clock.now = 9_000_000;
  await ask(hub.port, '/a');
  clock.now = 1_000_001;
  expect(await hub.lastActivity('/a')).toBe(1_000_001);
  await ask(hub.port, '/a');
  clock.now = 2_000_000;
  expect(await hub.lastActivity('/a')).toBe(1_000_001);
});

describe('what Sluice refuses itself is no use', () => {
  const all = "access: {methods: {allow: [GET, POST]}}, http: {max_body_size: 5B}, origins: ['https://apps.example']";
  const templates = `templates: [{name: all, kind: other, ${all}}]`;
  const refusals: readonly (readonly [status: string, request: string])[] = [
    ['400', 'GET /a%2F..%2Fb HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['405', 'DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['413', 'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123456'],
    ['413', 'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n0\r\n\r\n'],
    ['431', `GET /a HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['403', handshakeRequest({ path: '/a', headers: { Origin: 'https://other.example' } })],
    ['426', handshakeRequest({ path: '/a', headers: { 'Sec-WebSocket-Version': '12' } })],
  ];

  test.each(refusals)('%s to %j', async (status, request) => {
    const { hub, clock } = await clocked(templates);
    await hub.set('/a', await httpServer((_req, res) => res.end('x')));
    clock.now = 2_000_000;
    const client = await rawConnect(hub.port);
    client.sendText(request);
    expect((await client.head()).slice(9, 12)).toBe(status);
    expect(await hub.lastActivity('/a')).toBe(1_000_000);
    // What is let in is use of it.
    expect((await ask(hub.port, '/a')).status).toBe(200);
    expect(await hub.lastActivity('/a')).toBe(2_000_000);
  });
});
