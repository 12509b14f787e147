import { once } from 'node:events';
import { request } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Recorder } from '../../src/front/recorder.ts';
import { counts } from '../helpers/counts.ts';
import { HeardMistakes } from '../helpers/heard-mistakes.ts';
import { RawHttp, routeTo, startFront, startRawUpstream, startUpstream } from './http-front.ts';

test('passes path, Host, header order, spelling and duplicates as they came', async () => {
  let head = '';
  const port = await startRawUpstream((socket) =>
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      if (head.includes('\r\n\r\n')) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    }),
  );
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send(
    'GET /a%20b/c:d?x=%2F&x=1 HTTP/1.1\r\nHost: Apps.Example.org:8443\r\nX-XSRFToken: t\r\nACCEPT: */*\r\n' +
      'x-Dup: 1\r\nCookie: a=b; c="d"\r\nx-dup: 2\r\nBytes: \xe9\xff\r\nAuthorization: Basic eDp5\r\n\r\n',
  );
  await client.until('204 No Content\r\n');
  expect(head).toBe(
    'GET /a%20b/c:d?x=%2F&x=1 HTTP/1.1\r\nHost: Apps.Example.org:8443\r\nX-XSRFToken: t\r\nACCEPT: */*\r\n' +
      'x-Dup: 1\r\nx-Dup: 2\r\nCookie: a=b; c="d"\r\nBytes: \xe9\xff\r\nAuthorization: Basic eDp5\r\n' +
      'Connection: keep-alive\r\n\r\n',
  );
});

test('returns status words, header order, spelling and every Set-Cookie as they came', async () => {
  const port = await startRawUpstream((socket) =>
    socket.once('data', () =>
      socket.end(
        'HTTP/1.1 299 Odd Words\r\nDate: d\r\nSET-Cookie: a=1\r\nX-one: 1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=9\r\n' +
          'Connection: close, X-Hop\r\nX-Hop: 1\r\nX-Bytes: \xe9\r\nContent-Length: 2\r\n\r\nok',
        'latin1',
      ),
    ),
  );
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  expect(await client.closed()).toBe(
    'HTTP/1.1 299 Odd Words\r\nDate: d\r\nSET-Cookie: a=1\r\nX-one: 1\r\nSet-Cookie: b=2\r\nX-Bytes: \xe9\r\n' +
      'Content-Length: 2\r\nConnection: close\r\n\r\nok',
  );
});

test('passes an answer with 40 KiB of cookies', async () => {
  const cookies = Array.from({ length: 10 }, (_, i) => `c${i}=${'x'.repeat(4096)}`);
  const { port } = await startUpstream((_req, res) => res.setHeader('Set-Cookie', cookies).end('ok'));
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  const text = await client.closed();
  expect(text.match(/Set-Cookie: c\d=x{4096}\r\n/g)).toHaveLength(10);
});

test('drops hop-by-hop and nominated headers, but never those that carry meaning', async () => {
  const { port } = await startUpstream((req, res) => res.end(JSON.stringify(req.headers)));
  const forwarding = [['X-Forwarded-For', '203.0.113.9']] as const;
  const front = await startFront(routeTo(port), { forwarding });
  const client = new RawHttp(front.port);
  client.send(
    'GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Forwarded-For, X-Private, Cookie, Host, Upgrade, HTTP2-Settings\r\n' +
      'X-Private: 1\r\nCookie: a=1\r\nTE: trailers\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n' +
      'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\r\n',
  );
  const body = (await client.closed()).split('\r\n\r\n')[1]!;
  const json = body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1);
  expect(JSON.parse(json)).toEqual({
    host: 'h',
    cookie: 'a=1',
    'x-forwarded-for': '203.0.113.9',
    connection: 'keep-alive',
  });
});

test("passes a trusted proxy's other forwarding headers", async () => {
  const { port } = await startUpstream((req, res) => res.end(String(req.headers['x-forwarded-prefix'])));
  const front = await startFront(routeTo(port), { trusted: true });
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Prefix: /base\r\nConnection: close\r\n\r\n');
  expect(await client.closed()).toContain('/base');
});

test('gives a client of HTTP/1.0 without Host an answer that ends with its connection', async () => {
  const { port } = await startUpstream((_req, res) => {
    res.write('one ');
    res.end('two');
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.0\r\n\r\n');
  const text = await client.closed();
  expect(text.split('\r\n\r\n')[1]).toBe('one two');
  expect(client.over).toBe('end');
});

test('delivers a server-sent event while the response is open', async () => {
  const { port } = await startUpstream((_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.flushHeaders();
    upstreamRes = res;
  });
  let upstreamRes: import('node:http').ServerResponse | undefined;
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET /events HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(await client.until('\r\n\r\n')).toContain('text/event-stream');
  upstreamRes!.write('data: 1\n\n');
  await client.until('data: 1\n\n');
  upstreamRes!.write('data: 2\n\n');
  await client.until('data: 2\n\n');
  expect(upstreamRes!.writableEnded).toBe(false);
});

test('streams an upload piece by piece, at the pace of its client', async () => {
  let got = '';
  const pieces = new Map<string, () => void>();
  const arrives = (text: string) => new Promise<void>((resolve) => pieces.set(text, resolve));
  const { port } = await startUpstream((req, res) => {
    req.on('data', (chunk) => {
      got += chunk;
      for (const [text, resolve] of pieces) if (got.includes(text)) resolve();
    });
    req.on('end', () => res.end(got));
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('PUT /f HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nConnection: close\r\n\r\none');
  await arrives('one');
  client.send('two');
  expect(await client.closed()).toMatch(/\r\n\r\n[\s\S]*onetwo/);
  expect([...front.counters.httpBodyBytes.counts].reduce((a, b) => a + b)).toBe(1);
  expect(front.counters.httpBodyBytes.sum).toBe(6);
});

test('keeps upstream connections alive between requests', async () => {
  let connections = 0;
  const { port, server } = await startUpstream((_req, res) => res.end('ok'));
  server.on('connection', () => connections++);
  const front = await startFront(routeTo(port));
  for (let i = 0; i < 5; i++) {
    const client = new RawHttp(front.port);
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    await client.closed();
  }
  expect(connections).toBe(1);
});

test('gives up an idle upstream connection before backends do', async () => {
  const { port, server } = await startUpstream((_req, res) => res.end('ok'));
  server.keepAliveTimeout = 0;
  const idle = once(server, 'connection').then(([socket]) => once(socket, 'end'));
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await client.until('ok');
  await idle;
});

test('answers HEAD, 204 and 304 without a body and keeps the connection usable', async () => {
  const { port } = await startUpstream((req, res) => {
    if (req.url === '/head') res.writeHead(200, { 'Content-Length': 5 }).end();
    else if (req.url === '/204') res.writeHead(204).end();
    else if (req.url === '/304') res.writeHead(304, { ETag: '"x"', 'Content-Length': 7 }).end();
    else res.end('last');
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(await client.until('\r\n\r\n')).toContain('Content-Length: 5\r\n');
  client.send('GET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\n');
  client.send('GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  const heads = (await client.closed()).split('\r\n\r\n');
  expect(heads.map((head) => head.split('\r\n')[0])).toEqual([
    'HTTP/1.1 200 OK',
    'HTTP/1.1 204 No Content',
    'HTTP/1.1 304 Not Modified',
    'HTTP/1.1 200 OK',
    'last',
  ]);
  expect(heads[1]).not.toMatch(/content-length|transfer-encoding/i);
  expect(heads[2]).toContain('ETag: "x"');
  expect(counts(front.counters.httpRequests)).toEqual({ 'HEAD|2xx': 1, 'GET|2xx': 2, 'GET|3xx': 1 });
});

test('passes the trailers of an answer, and none of a request', async () => {
  const { port } = await startUpstream((req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('body');
      res.addTrailers({
        'X-Sum': `saw ${req.trailers['x-check'] ?? req.trailers['x-forwarded-for']}`,
        'X-Real-IP': '1',
      });
      res.end();
    });
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send(
    'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\nConnection: close\r\n\r\n',
  );
  client.send('1\r\na\r\n0\r\nX-Check: 7\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n');
  const answer = await client.closed();
  expect(answer).toContain('X-Sum: saw undefined\r\n');
  expect(answer).not.toContain('X-Real-IP');
});

test('answers Expect with 100 once the upstream is reached, and passes the body', async () => {
  const { port } = await startUpstream((req, res) => {
    req.pipe(res);
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n');
  expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('body');
  expect(await client.closed()).toContain('body');
});

test('folds methods that a client invents into one label', async () => {
  const { port } = await startUpstream((_req, res) => res.end());
  const front = await startFront(routeTo(port));
  for (const method of ['PROPFIND', 'MKCOL']) {
    const [res] = await once(request({ port: front.port, method, agent: false }).end(), 'response');
    res.resume();
    await once(res, 'close');
  }
  await expect.poll(() => counts(front.counters.httpRequests)).toEqual({ 'OTHER|2xx': 2 });
});

test('a mistake of ours in recording a request keeps nothing of it, and ends no process', async () => {
  using mistakes = new HeardMistakes();
  const answered = vi.spyOn(Recorder.prototype, 'answered').mockImplementationOnce(() => {
    throw new Error('a mistake');
  });
  onTestFinished(() => answered.mockRestore());
  const { port } = await startUpstream((_req, res) => res.end('ok'));
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  await client.closed();
  await expect.poll(() => front.endpoint.leases).toBe(0);
  expect([mistakes.told, front.forwarder.active]).toEqual([['a mistake'], 0]);
});
