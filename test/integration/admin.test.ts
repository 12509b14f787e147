import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gauge, Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { problem, text } from '../../src/admin/answer.ts';
import type { Endpoint } from '../../src/admin/router.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { createLog } from '../../src/log.ts';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { Serve } from '../helpers/serve.ts';
import { RawHttp } from './http-front.ts';

const parts = {
  ready: () => true,
  guard: { refuse: async () => null },
  log: createLog({ write() {} }),
};

async function startAdmin(): Promise<{
  port: number;
  admin: AdminServer;
  registry: Registry;
  state: { ready: boolean };
}> {
  const registry = new Registry();
  new Gauge({ name: 'sluice_test', help: 'A test.', registers: [registry] }).set(7);
  const state = { ready: true };
  const admin = new AdminServer({ ...parts, registry, ready: () => state.ready });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => admin.close());
  return { port, admin, registry, state };
}

async function ask(port: number, head: string): Promise<string> {
  const client = new RawHttp(port);
  client.send(`${head}\r\nHost: h\r\nConnection: close\r\n\r\n`);
  return client.closed();
}

test('serves the metrics in the text format', async () => {
  const { port } = await startAdmin();
  const answer = await ask(port, 'GET /metrics HTTP/1.1');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toMatch(/^Content-Type: text\/plain; version=0\.0\.4; charset=utf-8\r$/m);
  expect(answer).toContain('sluice_test 7');
});

test('is healthy always and ready until it drains', async () => {
  const { port, state } = await startAdmin();
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
  expect(await ask(port, 'GET /readyz?verbose HTTP/1.1')).toMatch(/ 200 /);
  state.ready = false;
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
  expect(await ask(port, 'GET /readyz HTTP/1.1')).toMatch(/ 503 /);
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
    registry: new Registry(),
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

test('opens no tunnel', async () => {
  const { port } = await startAdmin();
  const client = new RawHttp(port);
  client.send('GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  expect(await client.closed()).toBe('');
});

test('a failing collector gives 500 and the process lives', async () => {
  const { port, registry } = await startAdmin();
  new Gauge({
    name: 'sluice_broken',
    help: 'A test.',
    registers: [registry],
    collect() {
      throw new Error('broken');
    },
  });
  expect(await ask(port, 'GET /metrics HTTP/1.1')).toMatch(/ 500 [\s\S]*broken/);
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
});

test('a failing endpoint gives 500, is logged, and the process lives', async () => {
  const lines: string[] = [];
  const broken = (path: string, begin: boolean): Endpoint => ({
    method: 'GET',
    path,
    access: 'operator',
    stream(_, res) {
      if (begin) res.write('begun');
      throw new Error('broken');
    },
  });
  const endpoints = [broken('/fails', false), broken('/fails-later', true)];
  const log = createLog({ write: (line) => void lines.push(line) });
  const admin = new AdminServer({ ...parts, registry: new Registry(), endpoints, log });
  const port = await admin.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  onTestFinished(() => admin.close());
  expect(await ask(port, 'GET /fails HTTP/1.1')).toMatch(/ 500 [\s\S]*"code": "bug"/);
  const cut = await ask(port, 'GET /fails-later HTTP/1.1');
  expect(cut.endsWith('0\r\n\r\n')).toBe(false);
  expect(await ask(port, 'GET /healthz HTTP/1.1')).toMatch(/ 200 /);
  expect(lines).toEqual([expect.stringContaining('admin_bug'), expect.stringContaining('admin_bug')]);
});

test('endpoints for operators pass the guard, open ones do not', async () => {
  const asked: (string | undefined)[] = [];
  const admin = new AdminServer({
    ...parts,
    registry: new Registry(),
    guard: {
      async refuse(req) {
        asked.push(req.url);
        return problem(403, { code: 'no', what: 'no', remedy: 'none' });
      },
    },
    endpoints: [
      { method: 'GET', path: '/secret', access: 'operator', answer: () => text(200, 'secret') },
      { method: 'GET', path: '/page', access: 'open', answer: () => text(200, 'page') },
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
  for (const path of ['/page', '/metrics', '/healthz', '/readyz']) {
    expect(await ask(port, `GET ${path} HTTP/1.1`)).toMatch(/ 200 /);
  }
  expect(asked).toEqual(['/secret', '/secret?x', '/feed']);
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
  const other = new AdminServer({ ...parts, registry: new Registry() });
  await other.listen({ kind: 'unix', path });
  onTestFinished(() => other.close());
  const [res] = await once(get({ socketPath: path, path: '/healthz' }), 'response');
  expect(res.statusCode).toBe(200);
  res.resume();
});

test('says what keeps it from listening', async () => {
  const { port } = await startAdmin();
  const second = new AdminServer({ ...parts, registry: new Registry() });
  await expect(second.listen({ kind: 'tcp', host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('names the revision that SLUICE_REVISION gives', async () => {
  await using upstream = await fakeUpstream();
  const { serve, adminPort } = await Serve.start(upstream, { env: { SLUICE_REVISION: '4f2c1d9' } });
  await using _ = serve;
  expect(await ask(adminPort, 'GET /metrics HTTP/1.1')).toMatch(/^sluice_build_info\{.*revision="4f2c1d9".*\} 1$/m);
});
