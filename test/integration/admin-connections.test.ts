/** What a client of the admin port may cost: one request at a time, few connections, clocks, two scrapes. */
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { text } from '../../src/admin/answer.ts';
import type { AdminEndpoint } from '../../src/admin/router.ts';
import { Scrapes } from '../../src/admin/scrapes.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { Exposition } from '../../src/observe/metrics/exposition.ts';
import type { Renderer } from '../../src/observe/metrics/prometheus.ts';
import { RawHttp } from './http-front.ts';

/** It only matters for what fails. */
const patience = { timeout: 60_000 };

const parts = { guard: { refuse: async () => null }, log: createLog({ write() {} }) };

async function start(...endpoints: AdminEndpoint[]): Promise<number> {
  const admin = new AdminServer({ ...parts, endpoints });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => admin.close());
  return port;
}

afterEach(() => void vi.useRealTimers());

/** An endpoint that answers when the test says so, with the query it was asked with. */
class Held {
  readonly waiting: { readonly query: string; answer(): void }[] = [];
  readonly #asked = new EventEmitter();
  readonly endpoint: AdminEndpoint = {
    method: 'GET',
    path: '/held',
    access: 'open',
    answer: ({ query }) =>
      new Promise((resolve) => {
        this.waiting.push({ query: String(query), answer: () => resolve(text(200, `<${query}>`)) });
        this.#asked.emit('asked');
      }),
  };

  async count(asked: number): Promise<void> {
    while (this.waiting.length < asked) await once(this.#asked, 'asked');
  }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;

test('requests that are sent ahead are served one after the other, in their order', async () => {
  const held = new Held();
  const port = await start(held.endpoint);
  const client = new RawHttp(port);
  const queries = Array.from({ length: 500 }, (_, i) => `n=${i}`);
  client.send(queries.map((query) => get(`/held?${query}`)).join(''));
  for (const [i, query] of queries.entries()) {
    await held.count(i + 1);
    // Everything has arrived, and the next one is not begun.
    if (i < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(held.waiting).toHaveLength(i + 1);
    expect(held.waiting[i]!.query).toBe(query);
    held.waiting[i]!.answer();
  }
  await client.until('<n=499>');
  expect(client.received.match(/<n=\d+>/g)).toEqual(queries.map((query) => `<${query}>`));
});

test('others have their turn between two requests that are sent ahead', async () => {
  let turn = 0;
  const turns: number[] = [];
  let counting = setImmediate(function count() {
    turn++;
    counting = setImmediate(count);
  });
  onTestFinished(() => clearImmediate(counting));
  const port = await start({
    method: 'GET',
    path: '/quick',
    access: 'open',
    answer() {
      turns.push(turn);
      return text(200, `<${turns.length}>`);
    },
  });
  const client = new RawHttp(port);
  client.send(get('/quick').repeat(100));
  await client.until('<100>');
  expect(new Set(turns).size).toBe(100);
});

test('a request that comes in pieces, with empty lines before it, is one', async () => {
  const held = new Held();
  const port = await start(held.endpoint);
  const client = new RawHttp(port);
  await once(client.socket, 'connect');
  client.socket.setNoDelay(true);
  const bytes = `\r\n\r\n${get('/held?a')}\r\n${get('/held?b')}`;
  for (const byte of bytes) {
    client.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await held.count(1);
  held.waiting[0]!.answer();
  await held.count(2);
  held.waiting[1]!.answer();
  await client.until('<b=>');
});

test('behind a closing answer nothing is a request', async () => {
  const held = new Held();
  const port = await start(held.endpoint);
  for (const first of [
    'POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n',
    get('/nothing', 'Connection: close\r\n'),
    'GET /nothing HTTP/1.0\r\n\r\n',
    'GET /nothing HTTP/1.1\r\nHost : h\r\n\r\n',
  ]) {
    const client = new RawHttp(port);
    client.send(first + get('/held?hidden'));
    expect((await client.closed()).match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  }
  expect(held.waiting).toEqual([]);
});

test('a client that has said all it wants still gets its answer', async () => {
  const held = new Held();
  const port = await start(held.endpoint);
  const client = connect(port, '127.0.0.1').setEncoding('utf8');
  client.end(get('/held?a') + get('/held?b'));
  let got = '';
  client.on('data', (chunk: string) => (got += chunk));
  await held.count(1);
  held.waiting[0]!.answer();
  await held.count(2);
  held.waiting[1]!.answer();
  await once(client, 'close');
  expect(got).toMatch(/<a=>[\s\S]*<b=>$/);
});

test('one address cannot hold the port: a connection that comes anew takes the place of its oldest idle one', async () => {
  const held = new Held();
  const port = await start(held.endpoint, {
    method: 'GET',
    path: '/healthz',
    access: 'open',
    answer: () => text(200, 'ok\n'),
  });
  const busy = new RawHttp(port);
  busy.send(get('/held?busy'));
  await held.count(1);
  const idle: Socket[] = [];
  for (let i = 0; i < 300; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    idle.push(socket);
  }
  await expect.poll(() => idle.filter(({ closed }) => closed)).toHaveLength(201);
  expect(idle.findIndex(({ closed }) => !closed)).toBe(201);
  const probe = new RawHttp(port);
  probe.send(get('/healthz', 'Connection: close\r\n'));
  expect(await probe.closed()).toMatch(/ 200 /);
  held.waiting[0]!.answer();
  await busy.until('<busy=>');
});

test('of large answers that nobody reads one is given, and then as many as fit into 16 MiB', async () => {
  const large: AdminEndpoint = {
    method: 'GET',
    path: '/large',
    access: 'open',
    answer: () => text(200, 'x'.repeat(20 << 20)),
  };
  const port = await start(large);
  const deaf = connect(port, '127.0.0.1');
  onTestFinished(() => void deaf.destroy());
  deaf.write(get('/large', 'Connection: close\r\n'));
  await once(deaf, 'readable');
  const other = new RawHttp(port);
  other.send(get('/large'));
  await other.until('ask again in a second');
  deaf.resume();
  await once(deaf, 'close');
  const later = new RawHttp(port);
  later.send(get('/large', 'Connection: close\r\n'));
  expect((await later.closed()).length).toBeGreaterThan(20 << 20);
});

/** An endpoint whose answer has so many bytes. */
const sized = (path: string, bytes: number): AdminEndpoint => ({
  method: 'GET',
  path,
  access: 'open',
  answer: () => text(200, 'x'.repeat(bytes)),
});

/** Asks, and reads nothing but the status of the answer. */
async function askDeaf(port: number, path: string): Promise<{ readonly socket: Socket; readonly status: string }> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(get(path, 'Connection: close\r\n'));
  await once(socket, 'readable');
  return { socket, status: String(socket.read(12)).slice(-3) };
}

test('unread answers of more than 64 KiB hold 16 MiB together, and smaller ones are always given', async () => {
  const port = await start(sized('/half', 8 << 20), sized('/above', (64 << 10) + 1), sized('/small', 64 << 10));
  const half = await askDeaf(port, '/half');
  expect([half.status, (await askDeaf(port, '/half')).status]).toEqual(['200', '200']);
  expect((await askDeaf(port, '/above')).status).toBe('503');
  expect((await askDeaf(port, '/small')).status).toBe('200');
  half.socket.resume();
  await once(half.socket, 'close');
  expect((await askDeaf(port, '/above')).status).toBe('200');
});

test.each([
  [29_999, 'comes whole to whoever reads it then'],
  [30_000, 'is cut'],
])('an answer that nobody has read for %i ms %s', async (ms, what) => {
  const bytes = 20 << 20;
  const port = await start(sized('/large', bytes));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { socket } = await askDeaf(port, '/large');
  vi.advanceTimersByTime(ms);
  let read = 0;
  socket.on('data', (chunk: Buffer) => {
    read += chunk.length;
  });
  await once(socket, 'close');
  expect(read > bytes).toBe(what !== 'is cut');
});

/** Resolves when the client of a request has left, and everybody has heard of it. */
const hasLeft = ({ socket }: IncomingMessage) =>
  new Promise<void>((resolve) => socket.once('close', () => setImmediate(resolve)));

test('who leaves while a large answer is made holds no room for it', async () => {
  const events = new EventEmitter();
  const gone: AdminEndpoint = {
    method: 'GET',
    path: '/gone',
    access: 'open',
    answer: async ({ req }) => {
      const left = hasLeft(req);
      events.emit('asked');
      await left;
      setImmediate(() => events.emit('answered'));
      return text(200, 'x'.repeat(2 << 20));
    },
  };
  const large = () => text(200, 'x'.repeat(128 << 10));
  const port = await start(gone, { method: 'GET', path: '/large', access: 'open', answer: large });
  // More than 16 MiB together.
  for (let i = 0; i < 9; i++) {
    const client = new RawHttp(port);
    const asked = once(events, 'asked');
    client.send(get('/gone'));
    await asked;
    const answered = once(events, 'answered');
    client.socket.resetAndDestroy();
    await answered;
  }
  const other = new RawHttp(port);
  other.send(get('/large', 'Connection: close\r\n'));
  expect((await other.closed()).slice(9, 12)).toBe('200');
});

test('who leaves before it is let in takes no place of a stream', async () => {
  const events = new EventEmitter();
  const refuse = async (req: IncomingMessage) => {
    const left = hasLeft(req);
    events.emit('asked');
    await left;
    setImmediate(() => events.emit('let in'));
    return null;
  };
  let streams = 0;
  const stream = async () => void streams++;
  const endpoints = [{ method: 'GET', path: '/stream', access: 'operator', stream }] as const;
  const admin = new AdminServer({ ...parts, guard: { refuse }, endpoints });
  onTestFinished(() => admin.close());
  const client = new RawHttp(await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }));
  const asked = once(events, 'asked');
  client.send(get('/stream'));
  await asked;
  const letIn = once(events, 'let in');
  client.socket.resetAndDestroy();
  await letIn;
  expect(streams).toBe(0);
});

test('heads and idle connections have clocks', async () => {
  const port = await start();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const silent = new RawHttp(port);
  await once(silent.socket, 'connect');
  const half = new RawHttp(port);
  half.send('GET /healthz HTTP/1.1\r\nHo');
  const idle = new RawHttp(port);
  idle.send(get('/nothing'));
  await idle.until('\r\n\r\n');
  vi.advanceTimersByTime(6000);
  expect(await idle.closed()).toMatch(/ 404 /);
  vi.advanceTimersByTime(4000);
  expect(await half.closed()).toMatch(/ 408 /);
  expect(await silent.closed()).toBe('');
});

/** Renderings under way, each of which ends when the test says so. */
class Renderings {
  readonly waiting: (() => void)[] = [];
  readonly #asked = new EventEmitter();
  readonly render: Renderer;

  constructor(size = 7) {
    this.render = (format) =>
      new Promise((resolve) => {
        this.waiting.push(() => resolve([Buffer.from(`${format} `), Buffer.alloc(size, 'x')]));
        this.#asked.emit('asked');
      });
  }

  /** Ends the one that was asked for last, when so many have been. */
  async end(asked: number): Promise<void> {
    while (this.waiting.length < asked) await once(this.#asked, 'asked');
    this.waiting[asked - 1]!();
  }
}

test.each([
  ['CONNECT', 'CONNECT a.test:80 HTTP/1.1\r\nHost: h\r\n\r\n', 405],
  ['an upgrade', get('/here', 'Connection: Upgrade, close\r\nUpgrade: websocket\r\n'), 200],
  ['TRACE', 'TRACE /here HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', 405],
  ['a method of its own', 'FOO /here HTTP/1.1\r\nHost: h\r\n\r\n', 400],
])('%s is answered', async (_name, request, status) => {
  const port = await start({ method: 'GET', path: '/here', access: 'open', answer: () => text(200, 'here') });
  const client = new RawHttp(port);
  client.send(request);
  expect((await client.closed()).slice(0, 13)).toBe(`HTTP/1.1 ${status} `);
});

test('two scrapes share a rendering, a third is told to come again', async () => {
  const all = new Renderings();
  const port = await start(new Scrapes(all.render).endpoint);
  const scrapers = [new RawHttp(port), new RawHttp(port)];
  for (const scraper of scrapers) scraper.send(get('/metrics', 'Connection: close\r\n'));
  await vi.waitFor(async () => {
    const third = new RawHttp(port);
    third.send(get('/metrics', 'Connection: close\r\n'));
    const answer = await Promise.race([third.closed(), new Promise<string>((resolve) => setTimeout(resolve, 50, ''))]);
    third.socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/^Retry-After: 1\r$/m);
  }, patience);
  expect(all.waiting).toHaveLength(1);
  await all.end(1);
  for (const scraper of scrapers) expect(await scraper.closed()).toMatch(/ 200 [\s\S]*\r\n\r\ntext x{7}$/);
  const later = new RawHttp(port);
  later.send(get('/metrics', 'Connection: close\r\n'));
  expect(await later.closed()).toMatch(/ 200 /);
  expect(all.waiting).toHaveLength(1);
});

test('a rendering serves for a second, and is not kept until the next scrape', async () => {
  const all = new Renderings();
  const port = await start(new Scrapes(all.render).endpoint);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const scrape = async () => {
    const client = new RawHttp(port);
    client.send(get('/metrics', 'Connection: close\r\n'));
    return client.closed();
  };
  const first = scrape();
  await all.end(1);
  await first;
  vi.advanceTimersByTime(999);
  await scrape();
  expect(all.waiting).toHaveLength(1);
  vi.advanceTimersByTime(1);
  const second = scrape();
  await all.end(2);
  await second;
});

test('the memory of a rendering is given back when nobody reads from it', async () => {
  let pieces: readonly Buffer[] = [];
  const render = async () => {
    const out = new Exposition('text');
    for (let i = 0; i < 500_000; i++) out.sample(`n="${i}"`, i);
    pieces = out.finish();
    return pieces;
  };
  const port = await start(new Scrapes(render).endpoint);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const slow = connect(port, '127.0.0.1');
  onTestFinished(() => void slow.destroy());
  slow.write(get('/metrics', 'Connection: close\r\n'));
  await once(slow, 'readable');
  const quick = new RawHttp(port);
  quick.send(get('/metrics', 'Connection: close\r\n'));
  const text = await quick.closed();
  vi.advanceTimersByTime(1000);
  expect(pieces.some(({ length }) => length === 0)).toBe(false);
  const rest: Buffer[] = [];
  slow.on('data', (chunk) => rest.push(chunk));
  await once(slow, 'close');
  const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n'));
  expect(bodyOf(String(Buffer.concat(rest))) === bodyOf(text)).toBe(true);
  await expect.poll(() => pieces.every(({ length }) => length === 0)).toBe(true);
});

test('gzip and OpenMetrics where they are asked for', async () => {
  const render: Renderer = async (format) => [Buffer.from(`${format} `), Buffer.alloc(200_000, 'x')];
  const port = await start(new Scrapes(render).endpoint);
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { Accept: 'application/openmetrics-text', 'Accept-Encoding': 'gzip' },
  });
  expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(answer.headers.get('vary')).toBe('Accept, Accept-Encoding');
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  expect(Number(answer.headers.get('content-length'))).toBeLessThan(2000);
  expect(await answer.text()).toBe(`openmetrics ${'x'.repeat(200_000)}`);
  // fetch unpacks it; the bytes themselves are one whole gzip file.
  const raw = new RawHttp(port);
  raw.send(get('/metrics', 'Accept: application/openmetrics-text\r\nAccept-Encoding: gzip\r\nConnection: close\r\n'));
  const bytes = Buffer.from(await raw.closed(), 'latin1');
  expect(String(gunzipSync(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4))).length).toBe(200_012);
});

test('whoever reads nothing of a scrape gives way to the next', async () => {
  const port = await start(new Scrapes(async () => [Buffer.alloc(64 << 20)]).endpoint);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const stuck = [1, 2].map(() => {
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    socket.write(get('/metrics'));
    return socket;
  });
  const statusOf = async () => {
    const client = new RawHttp(port);
    client.send(get('/metrics'));
    const head = await client.until('\r\n\r\n');
    client.socket.destroy();
    return head.slice(9, 12);
  };
  await expect.poll(() => statusOf()).toBe('503');
  // They take what fits into the kernel's buffers, and then nothing.
  await vi.waitFor(async () => {
    vi.advanceTimersByTime(2000);
    expect(await statusOf()).toBe('200');
  }, patience);
  expect(stuck).toHaveLength(2);
});
