/** What comes on a connection behind a request: it waits for the answer, or nobody ever sees it. */
import { createServer, type RequestListener } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { rawConnect } from '../helpers/raw-client.ts';

/** An upstream that writes down what it is asked for, and answers `ok` unless told otherwise. */
async function recorder(answer: RequestListener = (_req, res) => res.end('ok')) {
  const seen: string[] = [];
  const server = createServer((req, res) => {
    const body: Buffer[] = [];
    const at = seen.push(`${req.method} ${req.url}`) - 1;
    req.on('data', (chunk) => body.push(chunk));
    req.on('end', () => {
      if (body.length > 0) seen[at] += ` ${Buffer.concat(body)}`;
    });
    answer(req, res);
  });
  const port = await listen(server);
  onTestFinished(() => server.closeAllConnections());
  return { seen, port };
}

/** The status codes of all answers in a text. */
function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
}

/** Sends it all in one write and returns what comes until the gateway ends the connection. */
async function answersTo(gateway: TestGateway, text: string): Promise<string> {
  const client = await rawConnect(gateway.port);
  client.sendText(text);
  return (await client.rest()).toString('latin1');
}

const host = 'Host: gateway.test\r\n';
const last = `GET /last HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;

test('requests in one write are answered one after the other', async () => {
  let under = 0;
  let most = 0;
  const upstream = await recorder((req, res) => {
    most = Math.max(most, ++under);
    setImmediate(() => {
      under--;
      res.end(req.url);
    });
  });
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
  const requests = Array.from({ length: 50 }, (_, i) => `GET /${i} HTTP/1.1\r\n${host}\r\n`);
  const text = await answersTo(gateway, requests.join('') + last);
  expect(statuses(text)).toEqual(new Array(51).fill(200));
  expect(upstream.seen).toEqual([...requests.map((_, i) => `GET /${i}`), 'GET /last']);
  expect(most).toBe(1);
});

test.each([
  ['gzip, chunked', '1.1'],
  ['xchunked', '1.1'],
  ['chunked', '1.0'],
])('a body whose end nobody can be sure of (`%s` in HTTP/%s) is not waited for', async (coding, version) => {
  await using gateway = await startGateway({ routes: [routeTo(1)] });
  const client = await rawConnect(gateway.port);
  client.sendText(`POST /a HTTP/${version}\r\n${host}Transfer-Encoding: ${coding}\r\n\r\n5\r\nhel`);
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  // No clock runs: the end is here with the answer.
  const ended = await client.ended.finally(() => vi.useRealTimers());
  expect(ended).toBe('fin');
  expect(statuses((await client.rest()).toString())).toEqual([400]);
});

test('nothing is read of a second request while the first has no answer', async () => {
  const upstream = await recorder(() => {});
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
  const client = await rawConnect(gateway.port);
  const piece = Buffer.from(`GET /more HTTP/1.1\r\n${host}\r\n`.repeat(2000));
  for (let i = 0; i < 200; i++) client.send(piece);
  await expect.poll(() => upstream.seen.length).toBe(1);
  // Both kernels and one read hold something; far from all.
  await expect.poll(() => client.socket.writableLength).toBeLessThan(200 * piece.length);
  expect(client.socket.writableLength).toBeGreaterThan(100 * piece.length);
  expect(upstream.seen).toEqual(['GET /more']);
});

test.each(['POST', 'PROPFIND'])(
  'a body of 200 000 tiny chunks comes whole, whatever turns it waits for, and so does what follows: %s',
  async (method) => {
    const upstream = await recorder((req, res) => req.on('end', () => res.end('ok')));
    await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
    const body = '1\r\nx\r\n'.repeat(200_000);
    const text = `${method} /many HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n${last}`;
    expect(statuses(await answersTo(gateway, text))).toEqual([200, 200]);
    expect(upstream.seen).toEqual([`${method} /many ${'x'.repeat(200_000)}`, 'GET /last']);
  },
  60_000,
);

const blocks = {
  'a length': 'Content-Length: 4\r\n\r\nab\n\n',
  chunks: 'Transfer-Encoding: chunked\r\n\r\n4;x=y\r\nab\n\n\r\n0\r\nX: y\r\n\r\n',
};
for (const [name, block] of Object.entries(blocks)) {
  test(`a body of ${name} ends where the next request begins, however it is cut`, async () => {
    const upstream = await recorder((req, res) => req.on('end', () => res.end('ok')));
    await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
    const client = await rawConnect(gateway.port);
    const text = `POST /first HTTP/1.1\r\n${host}${block}${last}`;
    for (const byte of text) {
      client.sendText(byte);
      await new Promise(setImmediate);
    }
    expect(statuses((await client.rest()).toString())).toEqual([200, 200]);
    expect(upstream.seen).toEqual(['POST /first ab\n\n', 'GET /last']);
  });
}

test.each(['h2c', 'foo', 'websocket2'])(
  'behind an Upgrade to %s that is ignored nothing is swallowed',
  async (protocol) => {
    const upstream = await recorder((req, res) => req.on('end', () => res.end('ok')));
    await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
    const client = await rawConnect(gateway.port);
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
    const upgrade = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
    client.sendText(
      `GET /first HTTP/1.1\r\n${host}${upgrade}\r\nPOST /second HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\n\r\n`,
    );
    await client.head();
    client.sendText(smuggled);
    client.sendText(last);
    expect(statuses((await client.rest()).toString())).toEqual([200, 200]);
    expect(upstream.seen).toEqual(['GET /first', `POST /second ${smuggled}`, 'GET /last']);
  },
);

test('behind a body whose request has an Upgrade that is ignored nothing is swallowed', async () => {
  const upstream = await recorder((req, res) => req.on('end', () => res.end('ok')));
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
  const upgrade = 'Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n';
  const text = await answersTo(gateway, `POST /first HTTP/1.1\r\n${host}${upgrade}\r\nab${last}`);
  expect(statuses(text)).toEqual([200, 200]);
  expect(upstream.seen).toEqual(['POST /first ab', 'GET /last']);
});

const second = `POST /second HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`;
test.each([
  ['no route', 404, 'GET /a HTTP/1.1\r\nHost: other.test\r\n\r\n'],
  ['two hosts', 400, `GET /a HTTP/1.1\r\n${host}Host: b.test\r\n\r\n`],
  ['another host in the target', 400, `GET http://other.test/ HTTP/1.1\r\n${host}\r\n`],
  ['a control character', 400, `GET /a HTTP/1.1\r\n${host}X: a\x7fb\r\n\r\n`],
  ['too many headers', 431, `GET /a HTTP/1.1\r\n${host}${'X: y\r\n'.repeat(300)}\r\n`],
  ['a header of 65 KiB', 431, `GET /a HTTP/1.1\r\n${host}X: ${'y'.repeat(66_560)}\r\n\r\n`],
  ['a body over the limit', 413, `POST /a HTTP/1.1\r\n${host}Content-Length: 11\r\n\r\nhello world`],
  [
    'chunks over the limit',
    413,
    `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n`,
  ],
  ['`gzip, chunked`', 400, `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['`identity`', 400, `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n`],
  ['`xchunked`', 400, `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ['`"chunked"`', 400, `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`],
  [
    'chunks in HTTP/1.0',
    400,
    `POST /a HTTP/1.0\r\n${host}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['HTTP/2.0', 400, `GET /a HTTP/2.0\r\n${host}\r\n`],
  ['no version', 400, `GET /a\n${host}\r\n`],
  ['the preface of HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['CONNECT', 405, `CONNECT a.test:80 HTTP/1.1\r\n${host}\r\n`],
  [
    'a handshake of the wrong version',
    426,
    `GET /a HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n\r\n`,
  ],
  [
    'a handshake without Connection',
    400,
    `GET /a HTTP/1.1\r\n${host}Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  ],
  ['no HTTP at all', 400, 'HELO\r\n\r\n'],
  ['empty lines without end', 400, '\r\n'.repeat(100)],
])(
  'behind a request that is refused (%s: %i) nothing is looked at, and it is counted once',
  async (_, status, request) => {
    const upstream = await recorder();
    const route = routeTo(upstream.port, {
      hosts: ['gateway.test'],
      http: { maxBodyBytes: 10, inactivityMs: 0, maxUpstreamConnections: 10 },
    });
    await using gateway = await startGateway({ routes: [route] });
    const text = await answersTo(gateway, request + second + second);
    expect(statuses(text)).toEqual([status]);
    // That chunks are too many is seen when they come: the head has gone up by then, and its connection is reset.
    expect(upstream.seen.filter((line) => line !== 'POST /a')).toEqual([]);
    const refused = gateway.log.filter(({ event }) => event === 'refused' || event === 'http_failed');
    expect(refused).toMatchObject([{ status }]);
    expect(refusals(gateway)).toBe(1);
  },
);

/** Refusals as the counters have them. */
function refusals({ gateway: { counters } }: TestGateway): number {
  const { unrouted } = counters;
  const test = counters.of('test');
  return [unrouted, test].reduce((sum, { handshakes, client }) => sum + handshakes.total + client.violations.total, 0);
}

test('behind `Connection: close` whatever follows is thrown away, and the request keeps its answer', async () => {
  const upstream = await recorder();
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
  for (const rest of ['\r\n', 'GARBAGE', second, 'x'.repeat(1_000_000)]) {
    expect(statuses(await answersTo(gateway, last + rest))).toEqual([200]);
  }
  expect(upstream.seen).toEqual(new Array(4).fill('GET /last'));
});

test('garbage behind a request is refused on its own, behind the answer', async () => {
  const upstream = await recorder();
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
  expect(statuses(await answersTo(gateway, `${second}GARBAGE\r\n\r\n`))).toEqual([200, 400]);
  expect(upstream.seen).toEqual(['POST /second']);
});

test('behind the last answer of a drain nothing is served', async () => {
  const upstream = await recorder();
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)], announceMs: 60_000 });
  void gateway.gateway.drain({ cause: 'SIGTERM' });
  expect(statuses(await answersTo(gateway, second + second))).toEqual([200]);
  expect(upstream.seen).toEqual(['POST /second']);
});

test('a client that sends on after its answer keeps nothing but its own connection', async () => {
  const upstream = await recorder((_req, res) => res.end('early'));
  await using gateway = await startGateway({ routes: [routeTo(upstream.port)] });
  const client = await rawConnect(gateway.port);
  client.sendText(`POST /a HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nab`);
  await client.head();
  client.sendText(`cde${last}`);
  expect(statuses((await client.rest()).toString())).toEqual([200]);
  expect(upstream.seen.at(-1)).toBe('GET /last');
});
