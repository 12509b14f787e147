/** Plain HTTP before backends that close idle connections whenever they like. */
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { testConnector } from '../../helpers/connector.ts';
import { counts } from '../../helpers/counts.ts';
import { until } from '../../helpers/until.ts';
import { type Front, RawHttp, routeTo, startFront, startRawUpstream } from '../http-front.ts';

const realNow = performance.now.bind(performance);
let passedMs = 0;
vi.spyOn(performance, 'now').mockImplementation(() => realNow() + passedMs);

/** Makes the pool believe that so much time has passed. */
function letTimePass(ms: number): void {
  passedMs += ms;
}

/** Sends a request; answers with its status. */
async function ask(front: Front, method: string, path = '/', body = ''): Promise<number> {
  const req = request({ port: front.port, host: '127.0.0.1', method, path, agent: new Agent() });
  req.end(body);
  const [res] = await once(req, 'response');
  res.resume();
  await once(res, 'end');
  return res.statusCode;
}

interface Served {
  readonly port: number;
  /** The first line of every request that came, and on which connection. */
  readonly requests: { readonly line: string; readonly connection: number }[];
  readonly sockets: Socket[];
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A backend that answers each request, whole with its body, as `onRequest` says. */
async function startServer(onRequest: (socket: Socket, nth: number) => void): Promise<Served> {
  const requests: Served['requests'] = [];
  const sockets: Socket[] = [];
  const port = await startRawUpstream((socket) => {
    const connection = sockets.push(socket) - 1;
    let text = '';
    let nth = 0;
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        requests.push({ line: text.slice(0, text.indexOf('\r\n')), connection });
        text = text.slice(end + 4 + length);
        onRequest(socket, nth++);
      }
    });
  });
  return { port, requests, sockets };
}

/** A backend that closes a connection when a second request comes on it, as if it had been closing it before. */
function startForgetful(end: (socket: Socket) => void = (socket) => socket.destroy()): Promise<Served> {
  return startServer((socket, nth) => {
    if (nth === 0) socket.write(answer);
    else end(socket);
  });
}

describe('a reused connection that ends before an answer', () => {
  test.each([
    ['is closed', (socket: Socket) => socket.destroy()],
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
    ['is half-closed', (socket: Socket) => socket.end()],
  ])('%s: the request is sent once more, on a new one', async (_, end) => {
    const server = await startForgetful(end);
    const front = await startFront(routeTo(server.port));
    for (const method of ['GET', 'OPTIONS', 'DELETE', 'PUT']) {
      expect(await ask(front, method)).toBe(200);
      expect(await ask(front, method)).toBe(200);
    }
    expect(front.counters.upstreamErrors.total).toBe(0);
    expect(front.lines).toEqual([]);
    // Each but the first came twice: on a connection that had served one, and then on the next.
    const connections = Array.from({ length: 7 }, (_, i) => [i, i]).flat();
    expect(server.requests.map(({ connection }) => connection)).toEqual([...connections, 7]);
  });

  test('after a byte of an answer is a failure', async () => {
    const server = await startForgetful((socket) => socket.end('HTTP/1.1 200 OK\r\n'));
    const front = await startFront(routeTo(server.port));
    expect(await ask(front, 'GET')).toBe(200);
    expect(await ask(front, 'GET')).toBe(502);
    expect(server.requests).toHaveLength(2);
  });

  test('and a new one that ends too is a failure: a request is sent twice at most', async () => {
    const server = await startServer((socket) => {
      if (server.requests.length === 1) socket.write(answer);
      else socket.destroy();
    });
    const front = await startFront(routeTo(server.port));
    expect(await ask(front, 'GET')).toBe(200);
    expect(await ask(front, 'GET')).toBe(502);
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
    expect(front.endpoint.pool.size).toBe(0);
  });
});

describe.each([
  ['fast', '/'],
  ['careful', 'http://gateway.test/'],
])('the %s lane: a request that may not arrive twice', (_, target) => {
  test.each([
    ['POST', ''],
    ['POST', 'body'],
    ['PUT', 'body'],
    ['PATCH', ''],
  ])('%s with the body "%s" goes on a new connection, however lately another was in use', async (method, body) => {
    const server = await startForgetful();
    const front = await startFront(routeTo(server.port));
    expect(await ask(front, 'GET', target)).toBe(200);
    expect(await ask(front, method, target, body)).toBe(200);
    expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1]);
  });
});

test('a backend that closes idle connections in the very moment of the next request never makes a 502, and no POST comes twice', async () => {
  const server = await startServer((socket) => socket.write(answer));
  const front = await startFront(routeTo(server.port));
  const methods = ['GET', 'PUT', 'POST'];
  const posts = new Set<string>();
  for (let i = 0; i < 150; i++) {
    const method = methods[i % 3]!;
    expect(await ask(front, 'GET', '/first')).toBe(200);
    letTimePass(2000);
    const body = method === 'GET' ? '' : 'x'.repeat(100);
    // On a connection that is open already, so that request and end reach the gateway at the same time.
    const client = new RawHttp(front.port);
    await once(client.socket, 'connect');
    const idle = server.sockets.at(-1)!.pause();
    const moment = Math.floor(i / 3) % 3;
    if (moment === 0) idle.destroy();
    client.send(`${method} /${i} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    if (moment === 2) {
      // Once the request lies in the kernel, unread: the backend answers it with a reset.
      const known = server.requests.length;
      await until(() => front.endpoint.pool.idle === 0 || server.requests.length > known);
    }
    idle.destroy();
    expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
    if (method === 'POST') posts.add(`POST /${i} HTTP/1.1`);
  }
  const seen = server.requests.map(({ line }) => line).filter((line) => line.startsWith('POST'));
  expect(seen).toEqual([...posts]);
  expect(front.counters.upstreamErrors.total).toBe(0);
});

test('after a change of DNS requests follow within a minute, however busy their connection is', async () => {
  const [old, next] = [createServer((_req, res) => res.end('old!')), createServer((_req, res) => res.end('new!'))];
  old.listen(0, '127.0.0.1');
  await once(old, 'listening');
  const { port } = old.address() as AddressInfo;
  next.listen(port, '127.0.0.2');
  await once(next, 'listening');
  onTestFinished(() => {
    for (const server of [old, next]) server.close().closeAllConnections();
  });
  let address = '127.0.0.1';
  const connector = testConnector({ lookup: async () => [{ address, family: 4 }] });
  const upstream = { protocol: 'http:', host: 'backend', port, href: `http://backend:${port}` } as const;
  const front = await startFront({ ...routeTo(port), upstream }, {}, connector);
  const client = new RawHttp(front.port);
  const from = async () => {
    client.received = '';
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    return (await client.until('!')).match(/old|new/)?.[0];
  };
  expect(await from()).toBe('old');
  address = '127.0.0.2';
  // The time that the requests take passes too.
  for (let second = 0; second < 50; second++) {
    letTimePass(1000);
    expect(await from()).toBe('old');
  }
  letTimePass(10_000);
  expect(await from()).toBe('new');
});

describe('at most http.max_upstream_connections', () => {
  test('are open; the others wait in their order, and who leaves gives its place up', async () => {
    const server = await startServer(() => {});
    const front = await startFront(routeTo(server.port, { maxUpstreamConnections: 1 }));
    const { pool } = front.endpoint;
    const clients: RawHttp[] = [];
    for (const [i, waiting] of [
      ['first', 0],
      ['second', 1],
      // As many wait as there may be connections; another is turned away.
      ['third', 1],
    ] as const) {
      const client = new RawHttp(front.port);
      clients.push(client);
      client.send(`GET /${i} HTTP/1.1\r\nHost: h\r\n\r\n`);
      await until(() =>
        i === 'third' ? client.received !== '' : server.requests.length === 1 && pool.waiting === waiting,
      );
    }
    const [first, second, third] = clients as [RawHttp, RawHttp, RawHttp];
    const refusal = await third.until('what to do');
    expect(refusal).toMatch(/^HTTP\/1\.1 503 /);
    expect(refusal).toContain('http.max_upstream_connections: 1, seen: 2');
    expect(refusal).toContain('Retry-After: ');
    expect(front.lines).toMatchObject([
      { event: 'http_failed', flag: 'UL', limit: { name: 'http.max_upstream_connections' } },
    ]);
    expect(counts(front.counters.client.violations)).toEqual({ 'http.max_upstream_connections|reject': 1 });
    expect(front.rejections).toMatchObject([{ limit: 'http.max_upstream_connections', configured: 1, observed: 2 }]);
    expect(front.counters.upstreamErrors.total).toBe(0);

    second.socket.destroy();
    await until(() => pool.waiting === 0);
    const fourth = new RawHttp(front.port);
    fourth.send('GET /fourth HTTP/1.1\r\nHost: h\r\n\r\n');
    await until(() => pool.waiting === 1);
    server.sockets[0]!.write(answer);
    await first.until('ok');
    await until(() => server.requests.length === 2);
    server.sockets[0]!.write(answer);
    await fourth.until('ok');
    expect(server.requests.map(({ line }) => line)).toEqual(['GET /first HTTP/1.1', 'GET /fourth HTTP/1.1']);
    expect(server.sockets).toHaveLength(1);
  });
});

describe('a connection on which more may come than the answer', () => {
  test.each(['POST', 'PUT'])(
    '%s with a body: the backend is told to close, for it may not read that',
    async (method) => {
      const seen: unknown[] = [];
      let connections = 0;
      const port = await startRawUpstream((socket) => {
        const connection = connections++;
        socket.on('data', (chunk) => {
          const head = /^\w+ \/ HTTP[\s\S]*?^connection: (.*?)\r\n/im.exec(chunk.toString('latin1'));
          if (head === null) return;
          seen.push([head[1], connection]);
          socket.write(answer);
        });
      });
      const front = await startFront(routeTo(port));
      const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\nX-Forwarded-User: root\r\n\r\n';
      expect(await ask(front, method, '/', hidden)).toBe(200);
      expect(await ask(front, 'GET')).toBe(200);
      expect(seen).toEqual([
        ['close', 0],
        ['keep-alive', 1],
      ]);
    },
  );

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 1],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 1],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 1],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 0],
    ['GET', 'HTTP/1.1 304 Not Modified\r\n\r\n', 0],
  ])('%s and the answer %j: the next request goes on connection %d', async (method, text, connection) => {
    const server = await startServer((socket) => socket.write(server.requests.length === 1 ? text : answer));
    const front = await startFront(routeTo(server.port));
    await ask(front, method);
    expect(await ask(front, 'GET')).toBe(200);
    expect(server.requests.map((one) => one.connection)).toEqual([0, connection]);
  });
});
