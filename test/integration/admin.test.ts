import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { problem, text } from '../../src/admin/answer.ts';
import { AdminListener } from '../../src/admin/listener.ts';
import { probeEndpoints } from '../../src/admin/probes.ts';
import type { AdminEndpoint } from '../../src/admin/router.ts';
import { Scrapes } from '../../src/admin/scrapes.ts';
import { AdminServer } from '../../src/admin/server.ts';
import type { ConfigState } from '../../src/config/live/state.ts';
import { createLog } from '../../src/observe/log/log.ts';
import type { Renderer } from '../../src/observe/metrics/prometheus.ts';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { Serve } from '../helpers/serve.ts';
import { RawHttp } from './http-front.ts';

const parts = { guard: { refuse: async () => null }, log: createLog({ write() {} }) };

interface Started {
  readonly port: number;
  readonly admin: AdminServer;
  readonly state: { accepting: string; draining: boolean; routes: string; config: ConfigState };
}

/** An endpoint for tests that look at the port itself. */
const health: AdminEndpoint = { method: 'GET', path: '/healthz', access: 'open', answer: () => text(200, 'ok\n') };
const inForce = { lastError: null } as ConfigState;

async function startAdmin(render: Renderer = async () => [Buffer.from('sluice_test 7\n')]): Promise<Started> {
  const state = { accepting: 'yes', draining: false, routes: 'complete', config: inForce };
  const probes = probeEndpoints({
    accepting: async () => state.accepting,
    draining: () => state.draining,
    routes: () => state.routes,
    config: () => state.config,
  });
  const admin = new AdminServer({ ...parts, endpoints: [...probes, new Scrapes(render).endpoint] });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => admin.close());
  return { port, admin, state };
}

async function ask(port: number, head: string): Promise<string> {
  const client = new RawHttp(port);
  client.send(`${head}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return client.closed();
}

test('serves the metrics in the text format', async () => {
  const { port } = await startAdmin();
  const answer = await ask(port, 'GET /metrics HTTP/1.1');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toMatch(/^Content-Type: text\/plain; version=0\.0\.4; charset=utf-8\r$/m);
  expect(answer).toContain('sluice_test 7');
});

test('is healthy always, and ready while the public port is open and nothing drains', async () => {
  const { port, state } = await startAdmin();
  const ready = async () => (await ask(port, 'GET /readyz HTTP/1.1')).replace(/\r\n[\s\S]*\r\n\r\n/, ' ');
  expect(await ready()).toBe('HTTP/1.1 200 OK ready\n');
  state.accepting = 'not listening';
  expect(await ready()).toBe('HTTP/1.1 503 Service Unavailable not listening\n');
  state.accepting = 'yes';
  state.draining = true;
  expect(await ready()).toBe('HTTP/1.1 503 Service Unavailable draining\n');
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
});

test('/readyz?verbose tells of rejected files, which make nobody unready', async () => {
  const { port, state } = await startAdmin();
  expect(await ask(port, 'GET /readyz?verbose HTTP/1.1')).toMatch(
    /\[\+\] the configuration files are in force\nready\n$/,
  );
  const atMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  state.config = { lastError: { atMs, errors: [{}, {}] } } as unknown as ConfigState;
  const text = await ask(port, 'GET /readyz?verbose HTTP/1.1');
  expect(text).toMatch(/ 200 /);
  expect(text).toMatch(/^\[!\] the configuration files were rejected at 2026-01-02T03:04:05.000Z \(errors: 2\): /m);
  const json = await ask(port, 'GET /readyz?verbose HTTP/1.1\r\nAccept: application/json');
  expect(JSON.parse(json.split('\r\n\r\n')[1]!)).toEqual({
    ready: true,
    state: 'ready',
    accepting: 'yes',
    draining: false,
    routes: 'complete',
    config: { files: 'rejected', rejected_at: '2026-01-02T03:04:05.000Z', errors: 2 },
  });
});

test('answers HEAD without a body', async () => {
  const { port } = await startAdmin();
  const answer = await ask(port, 'HEAD /healthz HTTP/1.1');
  expect(answer).toMatch(/ 200 /);
  expect(answer.split('\r\n\r\n')[1]).toBe('');
});

for (const [head, status] of [
  ['GET / HTTP/1.1', 404],
  ['GET /../etc/passwd HTTP/1.1', 404],
  ['GET /metrics/../healthz HTTP/1.1', 404],
  ['GET /metrics%00 HTTP/1.1', 404],
  ['DELETE /metrics HTTP/1.1', 405],
  ['POST /healthz HTTP/1.1', 405],
  ['POST /metrics HTTP/1.1\r\nContent-Length: 999999999999', 413],
  ['POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked', 413],
  ['GET /healthz HTTP/1.1\r\nExpect: a-miracle', 200],
  ['GET /metrics HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5', 413],
  [`GET /metrics HTTP/1.1\r\nX: ${'x'.repeat(9000)}`, 431],
] as const) {
  test(`answers ${status} to ${JSON.stringify(head.slice(0, 60))}`, async () => {
    const { port } = await startAdmin();
    expect(await ask(port, head)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('ends a streamed answer when the port closes', async () => {
  const gone: string[] = [];
  const admin = new AdminServer({
    ...parts,
    endpoints: [
      {
        method: 'GET',
        path: '/stream/:name',
        access: 'open',
        stream({ params }, res) {
          res.on('close', () => gone.push(params.name!));
          res.writeHead(200, { 'Content-Type': 'text/event-stream' });
          res.write(`data: ${params.name}\n\n`);
        },
      },
    ],
  });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const stays = new RawHttp(port);
  stays.send('GET /stream/stays HTTP/1.1\r\nHost: h\r\n\r\n');
  await stays.until('data: stays\n\n');
  await admin.close();
  expect(await stays.closed()).toMatch(/^X-Content-Type-Options: nosniff\r$/m);
  expect(gone).toEqual(['stays']);
});

test('opens no tunnel: an upgrade is ignored, and the request answered', async () => {
  const { port } = await startAdmin();
  const client = new RawHttp(port);
  for (let i = 0; i < 2; i++) {
    client.received = '';
    client.send('GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await client.until('sluice_test 7')).toMatch(/^HTTP\/1\.1 200 /);
  }
  client.socket.destroy();
});

test('metrics that cannot be read give 500 and the process lives', async () => {
  const { port } = await startAdmin(() => Promise.reject(new Error('broken')));
  expect(await ask(port, 'GET /metrics HTTP/1.1')).toMatch(/ 500 [\s\S]*broken/);
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
});

test('a failing endpoint gives 500, is logged, and the process lives', async () => {
  const lines: string[] = [];
  const broken = (path: string, begin: boolean): AdminEndpoint => ({
    method: 'GET',
    path,
    access: 'operator',
    stream(_, res) {
      if (begin) res.write('begun');
      throw new Error('broken');
    },
  });
  const endpoints = [broken('/fails', false), broken('/fails-later', true), health];
  const log = createLog({ write: (line) => void lines.push(line) });
  const admin = new AdminServer({ ...parts, endpoints, log });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => admin.close());
  expect(await ask(port, 'GET /fails HTTP/1.1')).toMatch(/ 500 [\s\S]*"code": "bug"/);
  const cut = await ask(port, 'GET /fails-later HTTP/1.1');
  expect(cut.endsWith('0\r\n\r\n')).toBe(false);
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
  expect(lines).toEqual([expect.stringContaining('admin_bug'), expect.stringContaining('admin_bug')]);
});

test('a client that leaves in the middle of its body is no bug of ours', async () => {
  const lines: string[] = [];
  const { promise: left, resolve } = Promise.withResolvers<void>();
  class TakesBodies extends AdminListener {
    protected override async answer(req: IncomingMessage) {
      try {
        for await (const _ of req) client.socket.destroy();
      } finally {
        resolve();
      }
      return text(200, 'ok');
    }
  }
  const log = createLog({ write: (line) => void lines.push(line) });
  const port = new TakesBodies({ tls: null, maxHeaderSize: 8192, methods: 'POST', takesBodies: true, log });
  onTestFinished(() => port.close());
  const client = new RawHttp(await port.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }));
  client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello');
  await left;
  await setImmediate();
  expect(lines).toEqual([]);
});

test('every request passes the guard, which hears whether it is for an operator', async () => {
  const asked: string[] = [];
  const admin = new AdminServer({
    ...parts,
    guard: {
      async refuse(req, access) {
        asked.push(`${access} ${req.url}`);
        return access === 'open' ? null : problem(403, { code: 'no', what: 'no', remedy: 'none' });
      },
    },
    endpoints: [
      health,
      { method: 'GET', path: '/secret', access: 'operator', answer: () => text(200, 'secret') },
      { method: 'GET', path: '/feed', access: 'operator', stream: (_, res) => void res.end('secret') },
    ],
  });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => admin.close());
  for (const path of ['/secret', '/secret?x', '/feed']) {
    const answer = await ask(port, `GET ${path} HTTP/1.1`);
    expect(answer).toMatch(/ 403 /);
    expect(answer).not.toContain('secret');
  }
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
  expect(await ask(port, 'GET /elsewhere HTTP/1.1')).toMatch(/ 404 /);
  expect(asked).toEqual([
    'operator /secret',
    'operator /secret?x',
    'operator /feed',
    'open /healthz',
    'open /elsewhere',
  ]);
});

test('closes although one client keeps its connection alive and another has sent half a request', async () => {
  const { port, admin } = await startAdmin();
  const client = new RawHttp(port);
  client.send('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n');
  await client.until('ok\n');
  const half = new RawHttp(port);
  half.send('GET /healthz HTTP/1.1\r\nHost: ');
  await once(half.socket, 'connect');
  await admin.close();
  await client.closed();
  await half.closed();
  const refused = connect(port, '127.0.0.1');
  const [error] = await once(refused, 'error');
  expect(error.code).toBe('ECONNREFUSED');
});

test('listens on a Unix socket', async () => {
  const { admin } = await startAdmin();
  await admin.close();
  const path = join(tmpdir(), `sluice-admin-${process.pid}.sock`);
  onTestFinished(() => rm(path, { force: true }));
  const other = new AdminServer({ ...parts, endpoints: [health] });
  await other.listen({ kind: 'unix', path });
  onTestFinished(() => other.close());
  const [res] = await once(get({ socketPath: path, path: '/healthz' }), 'response');
  expect(res.statusCode).toBe(200);
  res.resume();
});

test('says what keeps it from listening', async () => {
  const { port } = await startAdmin();
  const second = new AdminServer({ ...parts, endpoints: [health] });
  await expect(second.listen({ kind: 'tcp', host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('names the revision that SLUICE_REVISION gives', async () => {
  await using upstream = await fakeUpstream();
  const { serve, adminPort } = await Serve.start(upstream, { env: { SLUICE_REVISION: '4f2c1d9' } });
  await using _ = serve;
  expect(await ask(adminPort, 'GET /metrics HTTP/1.1')).toMatch(/^sluice_build_info\{.*revision="4f2c1d9".*\} 1$/m);
});
