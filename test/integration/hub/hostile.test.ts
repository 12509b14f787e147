/** What somebody who means no good sends to the API, by each way in which it is reached: TCP, a unix socket, TLS. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fakeUpstream, headersOf } from '../../helpers/fake-upstream.ts';
import { type HubGateway, hubGateway, token } from '../../helpers/hub.ts';
import { Peer } from '../../helpers/peer.ts';
import { backendCert, backendKey, caCert } from '../../helpers/private-ca.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const auth = `Authorization: token ${token}\r\n`;
const folder = () => mkdtempSync(join(tmpdir(), 'hub-hostile-'));

interface Way {
  readonly hub: HubGateway;
  open(): Promise<Peer>;
}

async function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Peer> {
  const peer = new Peer(socket);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once(event, resolve).once('error', reject);
  await promise;
  onTestFinished(() => void socket.destroy());
  return peer;
}

const ways: readonly (readonly [name: string, start: () => Promise<Way>])[] = [
  [
    'TCP',
    async () => {
      const hub = await hubGateway();
      return { hub, open: () => opened(connect(hub.apiPort, '127.0.0.1'), 'connect') };
    },
  ],
  [
    'a unix socket',
    async () => {
      const path = join(folder(), 'api.sock');
      const hub = await hubGateway({ apiAddress: `unix:${path}` });
      return { hub, open: () => opened(connect(path), 'connect') };
    },
  ],
  [
    'TLS',
    async () => {
      const at = folder();
      const [cert, key] = [join(at, 'cert.pem'), join(at, 'key.pem')];
      writeFileSync(cert, backendCert);
      writeFileSync(key, backendKey);
      const hub = await hubGateway({ api: `tls: {cert: ${cert}, key: ${key}}` });
      const options = { host: '127.0.0.1', port: hub.apiPort, ca: caCert, servername: 'backend.test' };
      return { hub, open: () => opened(connectTls(options), 'secureConnect') };
    },
  ],
];

/** One request on a connection of its own; the status, and what follows the head. */
async function asked({ open }: Way, head: string, body = ''): Promise<{ status: number; head: string; body: string }> {
  const peer = await open();
  peer.sendText(`${head}\r\nHost: localhost\r\nConnection: close\r\n`);
  peer.sendText(/^transfer-encoding/im.test(head) ? '\r\n' : `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`);
  peer.send(Buffer.from(body));
  await peer.ended;
  const text = peer.received.toString();
  const [first = '', ...rest] = text.split('\r\n\r\n');
  return { status: Number(first.slice(9, 12)), head: first, body: rest.join('\r\n\r\n') };
}

const json = (more: object = {}) => JSON.stringify({ target: 'http://127.0.0.1:1', ...more });
const post = (way: Way, path: string, body = json()) =>
  asked(way, `POST /api/routes${path} HTTP/1.1\r\n${auth.trim()}`, body);
const table = async (way: Way) =>
  new Map<string, Record<string, unknown>>(
    Object.entries(JSON.parse((await asked(way, `GET /api/routes HTTP/1.1\r\n${auth.trim()}`)).body)),
  );

describe.each(ways)('by %s', (_name, start) => {
  test('names of the language are names', async () => {
    const way = await start();
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'a%2Fb', '%25', '%2525']) {
      expect((await post(way, `/user/${name}`)).status, name).toBe(201);
    }
    expect([...(await table(way)).keys()]).toEqual([
      '/user/constructor',
      '/user/__proto__',
      '/user/toString',
      '/user/hasOwnProperty',
      '/user/a/b',
      '/user/%',
      '/user/%25',
    ]);
    const one = await asked(way, `GET /api/routes/user/__proto__ HTTP/1.1\r\n${auth.trim()}`);
    expect(JSON.parse(one.body)).toMatchObject({ target: 'http://127.0.0.1:1' });
    expect((await asked(way, `GET /api/routes/user/valueOf HTTP/1.1\r\n${auth.trim()}`)).status).toBe(404);
    expect((await asked(way, `DELETE /api/routes/user/__proto__ HTTP/1.1\r\n${auth.trim()}`)).status).toBe(204);
    expect((await table(way)).size).toBe(6);
  });

  test.each([
    ['/user/..', 400, /dot segment/],
    ['/user/%2e%2E/x', 400, /dot segment/],
    ['/user/a%2F..%2Fb', 400, /dot segment/],
    ['/user/%', 400, /%25/],
    ['/user/%zz', 400, /%25/],
    ['/user/%ff%fe', 400, /UTF-8/],
    ['/user/%c3', 400, /UTF-8/],
    ['/user/%ed%a0%80', 400, /UTF-8/],
    ['/user/%00', 400, /control/],
    ['/user/a%0d%0aX-Evil:1', 400, /control/],
    [`/user/${'a'.repeat(5000)}`, 400, /at most 4096/],
    [`/user/${'a'.repeat(65_536)}`, 431, /^$/],
  ])('the path %.40s is refused, and nothing is set', async (path, status, words) => {
    const way = await start();
    const answer = await post(way, path);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatch(words);
    expect(answer.head).not.toContain('X-Evil');
    expect((await table(way)).size).toBe(0);
  });

  test('bytes that are no UTF-8, as they are, set no route under another name', async () => {
    const way = await start();
    const { status } = await post(way, '/user/\xff\xfe');
    expect([400, 201]).toContain(status);
    // Whatever it was taken for is what it is listed as, and what it is found by.
    for (const key of (await table(way)).keys()) expect(key).toBe('/user/\u00ff\u00fe');
  });

  test('paths that differ by case are two routes; by a slash at the end or an escape, one', async () => {
    const way = await start();
    for (const path of ['/user/Ann', '/user/ann', '/user/ann/', '/user/%61nn', '/user//ann', '/%75ser/Ann/']) {
      expect((await post(way, path, json({ path }))).status).toBe(201);
    }
    const routes = await table(way);
    expect([...routes.keys()].sort()).toEqual(['/user//ann', '/user/Ann', '/user/ann']);
    expect(routes.get('/user/ann')).toMatchObject({ path: '/user/%61nn' });
    expect(routes.get('/user/Ann')).toMatchObject({ path: '/%75ser/Ann/' });
  });

  test('data keys of odd types are given back as they came, and mean nothing', async () => {
    const way = await start();
    const odd = [null, [], {}, 0, '', true, { a: [1, { b: null }] }, '\ud800', 'x'.repeat(1000)];
    for (const [i, value] of odd.entries()) {
      const data = { jupyterhub: value, user: value, hub: value, service: value, host: value, path: value };
      expect((await post(way, `/odd/${i}`, json({ ...data, last_activity: value }))).status).toBe(201);
      const listed = (await table(way)).get(`/odd/${i}`)!;
      expect(listed).toMatchObject(data);
      expect(Date.parse(listed.last_activity as string)).toBeGreaterThan(Date.now() - 60_000);
    }
    // The last of two counts, as for everybody who reads JSON.
    const twice = '{"target":"http://127.0.0.1:1","target":"http://127.0.0.1:2","__proto__":{"hub":true},"n":1e999}';
    expect((await post(way, '/twice', twice)).status).toBe(201);
    expect((await table(way)).get('/twice')).toMatchObject({ target: 'http://127.0.0.1:2', n: null });
  });

  test.each([
    [
      'depth 10 000',
      () => `{"target":"http://127.0.0.1:1","a":${'['.repeat(1e4)}${']'.repeat(1e4)}}`,
      400,
      /10001 levels/,
    ],
    ['10 000 keys', () => json(Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [`k${i}`, i]))), 400, /16384/],
    ['no JSON', () => '{"target":', 400, /JSON/],
    ['a target that is a list', () => '{"target":["http://127.0.0.1:1"]}', 400, /'target'/],
    ['a target of 10 000 characters', () => json({ target: `http://${'a'.repeat(1e4)}` }), 400, /at most 2048/],
  ])('a body of %s is refused with a reason', async (_name, body, status, words) => {
    const way = await start();
    const answer = await post(way, '/a', body());
    expect(answer).toMatchObject({ status, body: expect.stringMatching(words) });
    expect((await table(way)).size).toBe(0);
  });

  test('a body of 64 MB is refused before it has come, whole or in chunks', async () => {
    const way = await start();
    for (const [field, piece] of [
      ['Content-Length: 67108864', 'x'.repeat(2 << 20)],
      ['Transfer-Encoding: chunked', `200000\r\n${'x'.repeat(2 << 20)}\r\n`],
    ]) {
      const peer = await way.open();
      peer.sendText(`POST /api/routes/a HTTP/1.1\r\nHost: localhost\r\n${auth}${field}\r\n\r\n${piece}`);
      expect(await peer.head(), field).toMatch(/^HTTP\/1.1 413 /);
      // Nobody waits for the rest of it.
      await peer.ended;
    }
    expect((await table(way)).size).toBe(0);
  });

  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166',
    'http://0xa9fea9fe',
    'http://0251.0376.0251.0376',
    'http://169.254.43518',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]',
    'http://[64:ff9b::169.254.169.254]',
    'http://[2002:a9fe:a9fe::1]',
    'http://[::169.254.169.254]',
    'http://[fe80::1]',
    'http://[fd00:ec2::254]',
    'http://[fd20:ce::254]',
    'http://168.63.129.16',
    'http://192.0.0.192',
    'http://100.100.100.200',
    'http://１６９.254.169.254',
  ])('the target %s is where clouds have their metadata', async (target) => {
    const way = await start();
    expect(await post(way, '/a', json({ target }))).toMatchObject({
      status: 400,
      body: expect.stringMatching(/metadata.*routes_api\.targets/),
    });
  });

  test('a target is not Sluice itself, however its address is written', async () => {
    const way = await start();
    const { port } = way.hub;
    for (const host of [
      '127.0.0.1',
      'localhost',
      'LOCALHOST',
      'a.localhost',
      '127.1',
      '2130706433',
      '0x7f000001',
      '017700000001',
      '0.0.0.0',
      '0',
      '[::ffff:127.0.0.1]',
      '[::ffff:0:0]',
    ]) {
      const answer = await post(way, '/a', json({ target: `http://${host}:${port}` }));
      expect(answer, host).toMatchObject({ status: 400, body: expect.stringContaining('circle') });
    }
  });

  test('only the token lets in, and a page of a user’s not even with it', async () => {
    const way = await start();
    const status = async (fields: string) => (await asked(way, `GET /api/routes HTTP/1.1\r\n${fields}`)).status;
    for (const tried of ['', token.slice(1), token.slice(0, -1), `${token}x`, token.toUpperCase(), 'x'.repeat(4000)]) {
      expect(await status(`Authorization: token ${tried}`), tried).toBe(403);
    }
    expect(await status('X-None: 1')).toBe(403);
    expect(await status(`Cookie: token=${token}`)).toBe(403);
    expect(await status(`Authorization: token wrong\r\n${auth.trim()}`)).toBe(403);
    expect(await status(`${auth}Origin: https://user.example`)).toBe(403);
    expect(await status(`${auth}Origin: null`)).toBe(403);
    expect(await status(`${auth}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors`)).toBe(403);
    expect(await status(auth.trim())).toBe(200);
  });

  test('a browser that asks whether a page may is told nothing that lets it', async () => {
    const way = await start();
    const preflight = await asked(
      way,
      'OPTIONS /api/routes/a HTTP/1.1\r\nOrigin: https://user.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization',
    );
    expect(preflight.status).toBe(405);
    expect(preflight.head).not.toMatch(/access-control/i);
  });

  test('requests that are none harm nobody', async () => {
    const way = await start();
    for (const [bytes, answer] of [
      ['\0\0\0\0\r\n\r\n', /^HTTP\/1.1 400 /],
      [`GET /api/routes HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1.1 400 /],
      [
        `POST /api/routes/a HTTP/1.1\r\nHost: a\r\n${auth}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
        /^HTTP\/1.1 400 /,
      ],
      [
        `POST /api/routes/a HTTP/1.1\r\nHost: a\r\n${auth}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        /^HTTP\/1.1 400 /,
      ],
      ['CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 405 /],
    ] as const) {
      const peer = await way.open();
      peer.sendText(bytes);
      expect(await peer.head(), bytes).toMatch(answer);
    }
    expect((await table(way)).size).toBe(0);
  });
});

test('TLS that never comes is as few connections as there may be, and the hub is served beside it', async () => {
  const way = await ways[2]![1]();
  const { apiPort } = way.hub;
  const idle: Peer[] = [];
  for (let i = 0; i < 130; i++) idle.push(await rawConnect(apiPort));
  await Promise.all(idle.slice(0, 30).map(({ gone }) => gone));
  expect((await post(way, '/a')).status).toBe(201);
  expect(idle.slice(30).filter(({ socket }) => !socket.destroyed).length).toBeGreaterThan(90);
  for (const { socket } of idle) socket.destroy();
});

test('names that begin with what a table of objects has are found in requests as well', async () => {
  await using upstream = await fakeUpstream({
    answer: () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  });
  const hub = await hubGateway();
  await hub.set('/user/__proto__', upstream.port, { user: '__proto__' });
  const status = async (target: string) => {
    const client = await rawConnect(hub.port);
    client.sendText(`GET ${target} HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\n\r\n`);
    return (await client.head()).slice(9, 12);
  };
  expect(await status('/user/__proto__/lab')).toBe('200');
  // A request of a user’s server comes with no name but its own.
  const { request } = await upstream.next();
  expect(headersOf(request, 'X-Forwarded-For')).toEqual(['127.0.0.1']);
  expect(headersOf(request, 'X-Forwarded-Host').join()).not.toContain('evil');
  for (const target of ['/user/constructor', '/__proto__', '/user/__PROTO__', '/user/%5f_proto__x']) {
    expect(await status(target), target).toBe('404');
  }
  expect(await status('/user/%5f_proto__/x')).toBe('200');
});

test('a body of more chunks than anybody sends is refused, and one that comes in many is read', async () => {
  const hub = await hubGateway();
  const post = async (chunks: readonly string[]) => {
    const peer = await rawConnect(hub.apiPort);
    const head = `POST /api/routes/chunks HTTP/1.1\r\nHost: h\r\n${auth}Transfer-Encoding: chunked\r\n\r\n`;
    const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
    peer.sendText(`${head}${body}0\r\n\r\n`);
    return (await peer.head()).slice(9, 12);
  };
  const target = JSON.stringify({ target: 'http://127.0.0.1:1' });
  expect(await post([...target, ...new Array<string>(4000).fill(' ')])).toBe('201');
  expect(await post([...target, ...new Array<string>(5000).fill(' ')])).toBe('413');
});
