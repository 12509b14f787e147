import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { counts } from '../helpers/counts.ts';
import { over, RawHttp, routeTo, startFront, startRawUpstream, startUpstream } from './http-front.ts';

/** An upstream that answers every request it parses with `ok` and remembers the request lines. */
async function countingUpstream(): Promise<{ port: number; seen: string[]; open: Set<Socket> }> {
  const seen: string[] = [];
  const open = new Set<Socket>();
  const { port, server } = await startUpstream((req, res) => {
    seen.push(`${req.method} ${req.url}`);
    req.resume().on('end', () => res.end('ok'));
  });
  server.on('connection', (socket) => {
    open.add(socket.on('close', () => open.delete(socket)));
  });
  return { port, seen, open };
}

test('a chunked DELETE hides no second request', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port));
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n';
  const client = new RawHttp(front.port);
  client.send('DELETE /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
  client.send(`${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`);
  await client.until('ok');
  client.send('GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  await client.closed();
  expect(upstream.seen).toEqual(['DELETE /a', 'GET /b']);
});

for (const [name, framing] of [
  ['both Content-Length and Transfer-Encoding', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'],
  ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n'],
  ['`chunked, identity`', 'Transfer-Encoding: chunked, identity\r\n'],
  ['a space before the colon', 'X-A : 1\r\n'],
] as const) {
  test(`answers 400 to ${name}, and nothing reaches the upstream`, async () => {
    const upstream = await countingUpstream();
    const front = await startFront(routeTo(upstream.port));
    const client = new RawHttp(front.port);
    client.send(`POST / HTTP/1.1\r\nHost: h\r\n${framing}Connection: close\r\n\r\n0\r\n\r\n`);
    expect(await client.until('\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.seen).toEqual([]);
  });
}

test('refuses a declared body over the limit at the header, reading on so that the client sees the 413', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port, { maxBodyBytes: 10 }));
  const client = new RawHttp(front.port);
  client.send('POST /big HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\nContent-Length: 4000000\r\n\r\n');
  const text = await client.until('}\n');
  expect(text).toMatch(/^HTTP\/1\.1 413 /);
  expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toEqual({
    error: 'body_too_large',
    status: 413,
    message: 'the request body exceeds the limit of the route',
    route: 'app',
    limit: { name: 'http.max_body_size', configured: 10, observed: 4_000_000 },
    remedy: 'send less at once, or raise `http.max_body_size` of the route',
  });
  client.send('x'.repeat(4_000_000));
  await client.closed();
  expect(client.over).toBe('end');
  expect(upstream.seen).toEqual([]);
  expect(counts(front.counters.client.violations)).toEqual({ 'http.max_body_size|reject': 1 });
  expect(front.rejections).toEqual([
    { route: 'app', address: '127.0.0.1', limit: 'http.max_body_size', configured: 10, observed: 4_000_000 },
  ]);
  expect(counts(front.counters.httpRequests)).toEqual({ 'POST|4xx': 1 });
  expect(front.lines).toMatchObject([
    { event: 'http_failed', flag: 'BL', level: 'warn', limit: { name: 'http.max_body_size', observed: 4_000_000 } },
  ]);
});

test('passes a body of exactly the limit, declared and chunked', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port, { maxBodyBytes: 10 }));
  for (const body of [
    'Content-Length: 10\r\n\r\n0123456789',
    'Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n',
  ]) {
    const client = new RawHttp(front.port);
    client.send(`POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${body}`);
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 /);
  }
});

test('refuses a chunked body as soon as it crosses the limit and aborts the upstream', async () => {
  const aborted = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const { port } = await startUpstream((req) => {
    req.once('data', () => began.resolve());
    req.on('error', () => aborted.resolve());
  });
  const front = await startFront(routeTo(port, { maxBodyBytes: 10 }));
  const client = new RawHttp(front.port);
  client.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n');
  await began.promise;
  client.send('5\r\n67890\r\n');
  expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 413 /);
  await aborted.promise;
  client.send(`fffff\r\n${'x'.repeat(0xfffff)}\r\n0\r\n\r\n`);
  await client.closed();
  expect(client.over).toBe('end');
  expect(counts(front.counters.client.violations)).toEqual({ 'http.max_body_size|reject': 1 });
});

test('a client that waits for 100 gets its 413 instead, at once', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port, { maxBodyBytes: 10 }));
  const client = new RawHttp(front.port);
  client.send('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n');
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close/);
});

test('50 clients that leave while the upstream hangs leave no upstream socket', async () => {
  const open = new Set<Socket>();
  let requests = 0;
  const all = Promise.withResolvers<void>();
  const { port, server } = await startUpstream(() => {
    if (++requests === 50) all.resolve();
  });
  server.on('connection', (socket) => open.add(socket));
  const front = await startFront(routeTo(port));
  const clients = Array.from({ length: 50 }, (_, i) => {
    const client = new RawHttp(front.port);
    const upload = 'Content-Length: 100\r\n\r\npart';
    client.send(`${i % 2 ? 'GET' : 'POST'} / HTTP/1.1\r\nHost: h\r\n${i % 2 ? '\r\n' : upload}`);
    return client;
  });
  await all.promise;
  const gone = Promise.all([...open].map((socket) => over(socket)));
  for (const [i, client] of clients.entries()) {
    if (i % 3 === 0) client.socket.resetAndDestroy();
    else client.socket.destroy();
  }
  await gone;
  await expect.poll(() => front.forwarder.active).toBe(0);
  expect(counts(front.counters.httpRequests)).toEqual({ 'GET|none': 25, 'POST|none': 25 });
  expect(counts(front.counters.upstreamErrors)).toEqual({});
});

test('a client that leaves in the middle of an answer leaves no upstream socket', async () => {
  const closed = Promise.withResolvers<void>();
  const port = await startRawUpstream((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'));
    socket.on('close', () => closed.resolve());
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await client.until('part');
  client.socket.destroy();
  await closed.promise;
});

for (const [name, request, head, end] of [
  ['chunked', 'GET / HTTP/1.1', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', 'end'],
  ['of known length', 'GET / HTTP/1.1', 'Content-Length: 100\r\n\r\npart', 'end'],
  ['ended by its connection', 'GET / HTTP/1.0', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', 'reset'],
] as const) {
  test(`an answer ${name} that the upstream breaks off is seen as broken`, async () => {
    let upstreamSocket: Socket | undefined;
    const port = await startRawUpstream((socket) => {
      upstreamSocket = socket;
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${head}`));
    });
    const front = await startFront(routeTo(port));
    const client = new RawHttp(front.port);
    client.send(`${request}\r\nHost: h\r\n\r\n`);
    await client.until('part');
    upstreamSocket!.resetAndDestroy();
    const text = await client.closed();
    expect(client.over).toBe(end);
    expect(text).not.toContain('0\r\n\r\n');
    expect(counts(front.counters.upstreamErrors)).toEqual({ reset: 1 });
    expect(front.lines).toMatchObject([{ event: 'http_failed', flag: 'UE', level: 'error' }]);
  });
}

test('an upstream that cannot be reached gives 502', async () => {
  const { port, server } = await startUpstream(() => {});
  server.close();
  await once(server, 'close');
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nConnection: close\r\n\r\n');
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 502 [\s\S]*the upstream cannot be reached/);
  expect(counts(front.counters.upstreamErrors)).toEqual({ connect_refused: 1 });
  expect(front.lines).toMatchObject([{ event: 'http_failed', flag: 'UF', route: 'app', status: 502 }]);
});

for (const [name, label, answer] of [
  ['that is not HTTP', 'bad_response', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ['that closes without an answer', 'reset', ''],
  [
    'that switches protocols unasked',
    'bad_response',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  ],
  [
    'with two framings',
    'bad_response',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'with a character that cannot be sent on',
    'bad_response',
    'HTTP/1.1 200 OK\r\nX-A: \x7f\r\nContent-Length: 0\r\n\r\n',
  ],
] as const) {
  test(`an upstream ${name} gives 502`, async () => {
    const port = await startRawUpstream((socket) => socket.once('data', () => socket.end(answer, 'latin1')));
    const front = await startFront(routeTo(port));
    const client = new RawHttp(front.port);
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 502 /);
    expect(counts(front.counters.upstreamErrors)).toEqual({ [label]: 1 });
  });
}

test('a request header with a character that cannot be sent on gives 400', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nX-A: \x7f\r\nConnection: close\r\n\r\n');
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 400 /);
});

test('silence ends a request with 504, and an answer that has begun with its connection', async () => {
  const port = await startRawUpstream((socket) =>
    socket.once('data', (chunk) => {
      if (String(chunk).startsWith('GET /begun')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
    }),
  );
  const front = await startFront(routeTo(port, { inactivityMs: 100 }));
  const silent = new RawHttp(front.port);
  silent.send('GET /silent HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  expect(await silent.closed()).toMatch(/^HTTP\/1\.1 504 /);
  const begun = new RawHttp(front.port);
  begun.send('GET /begun HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(await begun.closed()).toMatch(/part$/);
  expect(counts(front.counters.upstreamErrors)).toEqual({ response_timeout: 2 });
});

test('an answer that comes in pieces outlives the inactivity limit many times over', async () => {
  const { port } = await startUpstream((_req, res) => {
    let left = 25;
    const timer = setInterval(() => {
      res.write('x');
      if (--left > 0) return;
      clearInterval(timer);
      res.end('done');
    }, 100);
  });
  const front = await startFront(routeTo(port, { inactivityMs: 1000 }));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  expect(await client.closed()).toContain('done');
});

test('an upload that comes in pieces outlives the inactivity limit many times over', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port, { inactivityMs: 1000 }));
  const client = new RawHttp(front.port);
  client.send('PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 25\r\n\r\n');
  let left = 25;
  const timer = setInterval(() => {
    client.send('x');
    if (--left === 0) clearInterval(timer);
  }, 100);
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 /);
});

test('an upstream that never takes the connection gives 504 after the connect timeout', async () => {
  // A thread that sleeps accepts nothing: once its backlog is full, the kernel leaves further connections waiting.
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [port] = (await once(worker, 'message')) as [number];
  const front = await startFront(routeTo(port, {}, { connectMs: 300 }));
  const fillers = Array.from({ length: 4 }, () => new RawHttp(port));
  await Promise.race(fillers.map(({ socket }) => once(socket, 'connect')));
  const client = new RawHttp(front.port);
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 504 /);
  expect(counts(front.counters.upstreamErrors)).toEqual({ connect_timeout: 1 });
});

test('closing the forwarder aborts what is under way and frees idle upstream connections', async () => {
  const upstream = await countingUpstream();
  const front = await startFront(routeTo(upstream.port));
  const idle = new RawHttp(front.port);
  idle.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await idle.until('ok');
  const busy = new RawHttp(front.port);
  busy.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\npart');
  await expect.poll(() => upstream.seen.length).toBe(2);
  expect(front.forwarder.active).toBe(1);
  front.forwarder.close();
  await busy.closed();
  await expect.poll(() => upstream.open.size).toBe(0);
  expect(front.forwarder.active).toBe(0);
});

test('an upstream that answers before the upload ends is heard, and its connection freed', async () => {
  const open = new Set<Socket>();
  const { port, server } = await startUpstream((_req, res) => res.writeHead(401).end('no'));
  server.on('connection', (socket) => {
    open.add(socket.on('close', () => open.delete(socket)));
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\npart');
  expect(await client.until('no')).toMatch(/^HTTP\/1\.1 401 /);
  client.socket.destroy();
  await expect.poll(() => open.size).toBe(0);
});

test('a slow reader makes the upstream wait instead of filling memory', async () => {
  const chunk = Buffer.alloc(1 << 20, 0x61);
  let written = 0;
  const stuck = Promise.withResolvers<void>();
  const { port } = await startUpstream((_req, res) => {
    const more = () => {
      while (written < 64 << 20) {
        written += chunk.length;
        if (!res.write(chunk)) {
          const timer = setTimeout(() => stuck.resolve(), 300);
          res.once('drain', () => {
            clearTimeout(timer);
            more();
          });
          return;
        }
      }
      res.end();
    };
    more();
  });
  const front = await startFront(routeTo(port));
  const client = new RawHttp(front.port);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  await stuck.promise;
  expect(written).toBeLessThan(64 << 20);
  const total = await new Promise<number>((resolve) => {
    let bytes = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (data) => {
      bytes += data.length;
    });
    client.socket.on('close', () => resolve(bytes));
    client.socket.resume();
  });
  expect(total).toBeGreaterThanOrEqual(64 << 20);
});
