/** A handshake through the whole gateway: dialled first, mirrored, its headers untouched. */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { counts } from '../helpers/counts.ts';
import { fakeUpstream, headerOf, headersOf, switching } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { handshakeRequest, rawClient, rawConnect, sampleAccept, sampleKey } from '../helpers/raw-client.ts';

test('opens a tunnel through which both sides talk, and says so', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawClient(gateway.port, { path: '/app/ws?token=secret' });
  expect(headerOf(client.answer, 'Sec-WebSocket-Accept')).toBe(sampleAccept);
  expect(headerOf(client.answer, 'Upgrade')).toBe('websocket');
  expect(headerOf(client.answer, 'Connection')).toBe('Upgrade');
  const server = await upstream.next();
  client.send(clientFrame('up'));
  expect((await server.frame()).payload.toString()).toBe('up');
  server.send(frame('down'));
  expect((await client.frame()).payload.toString()).toBe('down');

  const line = await gateway.logged('open');
  expect(line).toMatchObject({ route: 'test', host: 'gateway.test', path: '/app/ws', client: '127.0.0.1' });
  expect(line.conn_id).toMatch(/^[0-9a-f]{12}$/);
  expect(JSON.stringify(gateway.log)).not.toContain('secret');
  expect(counts(gateway.gateway.counters.of('test').handshakes)).toEqual({ opened: 1 });
  const metrics = await gateway.metrics();
  expect(metrics).toContain('sluice_connections_active{route="test"} 1');
  expect(metrics).toContain('sluice_handshakes_total{route="test",result="opened"} 1');
});

test('passes end-to-end headers in order and byte for byte, and sets its own', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const headers = {
    hOsT: 'Apps.Example.org:8443',
    Origin: 'https://apps.example.org:8443',
    Cookie: ['a=1; b="x y"', 'c=caf\u00e9'],
    authorization: 'token abc',
    'X-XSRFToken': '2|x',
    Referer: 'https://apps.example.org:8443/lab?x=%20',
    'Bokeh-Session-Id': 'sid',
    Connection: 'keep-alive, Upgrade, X-Private, Cookie, Host, X-Forwarded-For, Sec-WebSocket-Key',
    'X-Private': 'hop',
    'Keep-Alive': 'timeout=5',
    'Proxy-Authorization': 'Basic eA==',
    TE: 'trailers',
    'Content-Length': '0',
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Prefix': '/evil',
    Forwarded: 'for=6.6.6.6',
    'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
    'Sec-WebSocket-Protocol': ['bokeh, dG9rZW4', 'third'],
  };
  await rawClient(gateway.port, { path: '/a%20b/json:nb:1%3A2?q=//..', headers });
  const { request } = await upstream.next();
  expect(request.split('\r\n').slice(0, -2)).toEqual([
    'GET /a%20b/json:nb:1%3A2?q=//.. HTTP/1.1',
    'Host: Apps.Example.org:8443',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${sampleKey}`,
    'Origin: https://apps.example.org:8443',
    'Cookie: a=1; b="x y"',
    'Cookie: c=caf\u00e9',
    'authorization: token abc',
    'X-XSRFToken: 2|x',
    'Referer: https://apps.example.org:8443/lab?x=%20',
    'Bokeh-Session-Id: sid',
    'Sec-WebSocket-Protocol: bokeh, dG9rZW4',
    'Sec-WebSocket-Protocol: third',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: Apps.Example.org:8443',
    'X-Real-IP: 127.0.0.1',
    'X-Scheme: http',
    'Connection: Upgrade',
    'Upgrade: websocket',
  ]);
});

test('mirrors the 101: cookies and the chosen subprotocol come down, hop-by-hop headers do not', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) =>
      switching(
        request,
        'Set-Cookie: a=1',
        'Set-Cookie: b=2',
        'Sec-WebSocket-Protocol: third',
        'Keep-Alive: x',
        'X-Y: z',
      ),
  });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const { answer } = await rawClient(gateway.port, { headers: { 'Sec-WebSocket-Protocol': 'first, second, third' } });
  expect(answer.split('\r\n').slice(0, -2)).toEqual([
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${sampleAccept}`,
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Sec-WebSocket-Protocol: third',
    'X-Y: z',
  ]);
  expect(await gateway.logged('open')).toMatchObject({ subprotocol: '(5 characters)' });
});

test('leaves out the subprotocol where the upstream chooses none', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const { answer } = await rawClient(gateway.port, { headers: { 'Sec-WebSocket-Protocol': 'v1.kernel' } });
  expect(headersOf(answer, 'Sec-WebSocket-Protocol')).toEqual([]);
  expect(headerOf((await upstream.next()).request, 'Sec-WebSocket-Protocol')).toBe('v1.kernel');
});

test('never logs an offered subprotocol, a cookie, an authorization or a query', async () => {
  await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n' });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  const headers = { 'Sec-WebSocket-Protocol': 'bokeh, SECRET1', Cookie: 'SECRET2', Authorization: 'SECRET3' };
  client.sendText(handshakeRequest({ path: '/ws?token=SECRET4', headers }));
  expect(await client.head()).toMatch(/^HTTP\/1.1 403 /);
  await gateway.logged('refused');
  expect(JSON.stringify(gateway.log)).not.toContain('SECRET');
});

describe('the bytes around the 101', () => {
  test('client frames sent early wait for the 101 and are delivered after', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.send(Buffer.concat([Buffer.from(handshakeRequest()), clientFrame('with the request')]));
    const server = await upstream.next();
    client.send(clientFrame('while dialling'));
    expect(server.received.length).toBe(0);
    server.sendText(switching(server.request));
    await client.head();
    expect((await server.frame()).payload.toString()).toBe('with the request');
    expect((await server.frame()).payload.toString()).toBe('while dialling');
    client.send(clientFrame('after'));
    expect((await server.frame()).payload.toString()).toBe('after');
  });

  test('early client bytes beyond the bound wait in the kernel and none is lost', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    const server = await upstream.next();
    const messages = Array.from({ length: 300 }, (_, i) => clientFrame(Buffer.alloc(4000, i & 255)));
    client.send(Buffer.concat(messages));
    server.sendText(switching(server.request));
    await client.head();
    for (let i = 0; i < 300; i++) expect((await server.frame()).payload.equals(Buffer.alloc(4000, i & 255))).toBe(true);
  });

  test('an upstream frame in one piece with the 101 is delivered', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    const server = await upstream.next();
    server.send(Buffer.concat([Buffer.from(switching(server.request)), frame('hello')]));
    await client.head();
    expect((await client.frame()).payload.toString()).toBe('hello');
  });
});

describe("an upstream's refusal is relayed whole, and both sockets are freed", () => {
  test.each([
    ['401 Unauthorized', 'WWW-Authenticate: Basic realm="x"'],
    ['403 Forbidden', 'X-Reason: origin'],
    ['404 Not Found', 'Set-Cookie: a=1'],
    ['302 Found', 'Location: /hub/login?next=%2Fx'],
    ['426 Upgrade Required', 'Sec-WebSocket-Version: 8'],
    ['500 Internal Server Error', 'X-Y: z'],
  ])('%s with its length', async (status, header) => {
    const answer = `HTTP/1.1 ${status}\r\n${header}\r\nContent-Length: 5\r\nKeep-Alive: x\r\n\r\nhello`;
    await using upstream = await fakeUpstream({ answer: () => answer });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    const text = (await client.rest()).toString();
    expect(text).toBe(`HTTP/1.1 ${status}\r\n${header}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`);
    await Promise.all([client.gone, upstream.idle()]);
    expect(await gateway.logged('refused')).toMatchObject({
      result: 'upstream_refused',
      status: Number(status.slice(0, 3)),
    });
    expect(counts(gateway.gateway.counters.of('test').handshakes)).toEqual({ upstream_refused: 1 });
  });

  test('in chunks, where the upstream gives no length', async () => {
    const answer = 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    await using upstream = await fakeUpstream({ answer: () => answer });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const response = await fetchRefusal(gateway.port);
    expect(response).toMatchObject({ status: 403, body: 'abcde' });
    await upstream.idle();
  });

  test('without a body', async () => {
    await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n' });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    expect((await client.rest()).toString()).toBe(
      'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nConnection: close\r\n\r\n',
    );
  });

  test('to a client that takes the end of it after the upstream has closed', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    // With one of these sizes the last bytes that Sluice reads are the first ones that its client's kernel does not
    // take.
    for (let size = 1 << 20; size < 8 << 20; size += 128 << 10) {
      const client = await rawConnect(gateway.port);
      client.socket.pause();
      client.sendText(handshakeRequest());
      const server = await upstream.next();
      server.sendText(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
      server.end();
      for (let i = 0; i < 50; i++) await new Promise(setImmediate);
      client.socket.resume();
      const answer = await client.rest();
      expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(size);
    }
  });

  test('and does not look complete where the upstream dies within it', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    const server = await upstream.next();
    server.sendText('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await client.head();
    server.reset();
    expect((await client.rest()).toString()).not.toContain('0\r\n\r\n');
    expect(await gateway.logged('refused')).toMatchObject({ result: 'upstream_refused' });
  });

  test('and what has come of it by then reaches a client that reads later', async () => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using gateway = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest());
    client.pause();
    const server = await upstream.next();
    server.sendText('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    server.end();
    await gateway.logged('refused');
    client.resume();
    expect((await client.rest()).toString()).toMatch(/\r\n\r\n3\r\nabc\r\n$/);
    expect(await client.ended).toBe('fin');
  });
});

async function fetchRefusal(port: number): Promise<{ status: number; body: string }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': sampleKey,
    };
    request({ port, host: '127.0.0.1', headers }, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('plain HTTP on the same port', () => {
  test('is forwarded with the same forwarding headers', async () => {
    const server = createServer((req, res) => res.end(JSON.stringify({ url: req.url, headers: req.headers })));
    const port = await listen(server);
    await using gateway = await startGateway({ routes: [routeTo(port)] });
    const response = await fetch(`http://127.0.0.1:${gateway.port}/x?y`, { headers: { 'X-Real-IP': '6.6.6.6' } });
    const seen = (await response.json()) as { url: string; headers: Record<string, string> };
    expect(seen.url).toBe('/x?y');
    expect(seen.headers).toMatchObject({ 'x-real-ip': '127.0.0.1', 'x-forwarded-proto': 'http' });
    server.close();
    server.closeAllConnections();
  });

  test('an offer of another protocol is served as HTTP/1.1, and its connection goes on', async () => {
    const server = createServer((req, res) => res.end(`${req.url} ${req.headers.upgrade ?? '-'}`));
    const port = await listen(server);
    await using gateway = await startGateway({ routes: [routeTo(port)] });
    const client = await rawConnect(gateway.port);
    const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n';
    for (const path of ['/one', '/two']) {
      client.sendText(`GET ${path} HTTP/1.1\r\nHost: a\r\n${offer}\r\n`);
      const head = await client.head();
      expect(head).toMatch(/^HTTP\/1.1 200 /);
      expect(headerOf(head, 'Upgrade')).toBeUndefined();
      const body = await client.bytes(Number(headerOf(head, 'Content-Length')));
      expect(body.toString()).toBe(`${path} -`);
    }
    client.end();
    server.close();
    server.closeAllConnections();
  });
});

test('listens on a unix socket, whose peers are trusted to name the client', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  try {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({ routes: [routeTo(upstream)], unix: join(folder, 's') });
    await rawClient(join(folder, 's'), { headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' } });
    const { request } = await upstream.next();
    expect(headerOf(request, 'X-Real-IP')).toBe('203.0.113.9');
    expect(headerOf(request, 'X-Scheme')).toBe('https');
    expect(await gateway.logged('open')).toMatchObject({ client: '203.0.113.9' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('believes a trusted proxy, and warns once of one that is not', async () => {
  await using upstream = await fakeUpstream();
  const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' };
  {
    await using gateway = await startGateway({ routes: [routeTo(upstream)], trustedProxies: ['127.0.0.0/8'] });
    await rawClient(gateway.port, { headers });
    const { request } = await upstream.next();
    expect(headerOf(request, 'X-Forwarded-For')).toBe('203.0.113.9, 127.0.0.1');
    expect(headerOf(request, 'X-Forwarded-Proto')).toBe('https');
    expect(headerOf(request, 'X-Forwarded-Port')).toBe('443');
  }
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  await rawClient(gateway.port, { headers });
  await rawClient(gateway.port, { headers });
  const { request } = await upstream.next();
  expect(headerOf(request, 'X-Forwarded-Port')).toBeUndefined();
  expect(gateway.gateway.counters.of('test').untrustedForwardingHeaders).toBe(2);
  expect(gateway.log.filter(({ event }) => event === 'untrusted_forwarding_headers')).toHaveLength(1);
});
