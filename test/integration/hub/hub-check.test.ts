/** A replica wants no clients before the hub has compared its table with its own. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HubCheck } from '../../../src/admin/routes-api/hub-check.ts';
import { createLog } from '../../../src/observe/log/log.ts';
import { ask, httpServer, hubGateway, token } from '../../helpers/hub.ts';

const headers = { authorization: `token ${token}` };
const settled = { timeout: 60_000 };

/** A gateway before a hub, with a port for probes. */
async function replica(hubPort: number, more = '') {
  const hub = await hubGateway({ api: `hub_api: 'http://127.0.0.1:${hubPort}/hub/api'${more}`, admin: 'everything' });
  const { adminPort } = hub;
  return {
    hub,
    ready: async () => {
      const { status, body } = await ask(adminPort, '/readyz');
      return `${status} ${body.trim()}`;
    },
    checked: (body: string, fields: Record<string, string> = headers, method = 'POST') =>
      ask(hub.apiPort, '/api/checked', { method, body, headers: fields }),
  };
}

test('asks the hub with its own token until the hub has been here, and is ready then', async () => {
  const asked: (string | undefined)[] = [];
  let sluice: Awaited<ReturnType<typeof replica>> | null = null;
  const hub = await httpServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    // The first check knows nothing of this replica.
    if (asked.length === 1) return res.writeHead(200).end();
    return sluice!.checked('{"differing": 3}').then(() => res.writeHead(200).end());
  });
  sluice = await replica(hub);
  expect(await sluice.ready()).toMatch(/^503 /);
  await expect.poll(sluice.ready, settled).toBe('200 ready');
  expect(new Set(asked)).toEqual(new Set([`POST /hub/api/proxy token ${token}`]));
  expect(sluice.hub.log.find(({ event }) => event === 'routes_incomplete')).toMatchObject({
    problem: 'the hub has checked the routes of other replicas, and not of this one',
  });
  expect(sluice.hub.log.find(({ event }) => event === 'routes_complete')).toMatchObject({ differing: 3 });
  const metrics = Buffer.concat([...(await sluice.hub.gateway.renderMetrics('text'))]).toString();
  expect(metrics).toContain('sluice_routes_api_differing 3');
});

test.each([
  ['refuses', 403, '503 the hub answers 403'],
  ['fails', 500, '503 the hub answers 500'],
  ['sends it elsewhere', 302, '503 the hub answers 302'],
])('is not ready where the hub %s', async (_what, status, words) => {
  const hub = await httpServer((_req, res) => res.writeHead(status, { Location: '/' }).end());
  const sluice = await replica(hub);
  await expect.poll(sluice.ready, settled).toBe(words);
});

test('an endless answer of the hub is not read', async () => {
  const ended = Promise.withResolvers<void>();
  const hub = await httpServer((_req, res) => {
    res.writeHead(200);
    const more = () => {
      while (res.write('x'.repeat(65_536)));
      res.once('drain', more);
    };
    res.once('close', ended.resolve);
    more();
  });
  await replica(hub);
  await ended.promise;
});

test('nor are informational answers of it without end', async () => {
  const hub = await httpServer((_req, res) => {
    const { socket } = res;
    const more = () => {
      while (!socket!.destroyed && socket!.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3000)));
    };
    socket!.on('drain', more).on('error', () => {});
    more();
  });
  const sluice = await replica(hub);
  await expect.poll(sluice.ready, settled).toMatch(/^503 the hub does not answer: the informational answers/);
});

test('without its hub it serves what its file has, and else waits', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'check-')), 'routes.json');
  writeFileSync(file, JSON.stringify({ sluice_routes: 1, routes: [['/', '{"target":"http://127.0.0.1:9"}', 0]] }));
  const closed = await freedPort();
  const kept = await replica(closed, `, state_file: ${file}`);
  await expect.poll(kept.ready, settled).toBe('200 ready');
  const empty = await replica(closed);
  await expect.poll(empty.ready, settled).toMatch(/^503 the hub does not answer: .*ECONNREFUSED/);
});

test('only the hub says that a table is complete', async () => {
  const silent = await httpServer(() => {});
  const sluice = await replica(silent);
  expect((await sluice.checked('{"differing": 0}', {})).status).toBe(403);
  expect((await sluice.checked('{"differing": 0}', { authorization: 'token wrong' })).status).toBe(403);
  expect((await sluice.checked('', headers, 'GET')).status).toBe(405);
  for (const body of ['', '{}', '[]', '{"differing": -1}', '{"differing": 1e99}', '{"differing": "0"}']) {
    expect((await sluice.checked(body)).status, body).toBe(400);
  }
  expect((await sluice.checked('x'.repeat((1 << 20) + 1))).status).toBe(413);
  expect(await sluice.ready()).toMatch(/^503 /);
  expect((await sluice.checked('{"differing": 0}')).status).toBe(204);
  expect(await sluice.ready()).toBe('200 ready');
});

test('ends at once while it waits for the hub', async () => {
  const asked = Promise.withResolvers<void>();
  const hub = await httpServer((req) => {
    asked.resolve();
    req.socket.on('error', () => {});
  });
  const sluice = await replica(hub);
  await asked.promise;
  await sluice.hub.stop();
});

test('ends at once, and asks nobody any more, while its token is read', async () => {
  let asked = 0;
  const port = await httpServer(() => void asked++);
  const held = Promise.withResolvers<string>();
  const check = new HubCheck({
    url: `http://127.0.0.1:${port}/hub/api`,
    log: createLog({ write() {} }),
    token: () => held.promise,
    secure: async () => ({}),
    routes: () => 0,
  });
  const over = check.run();
  check.close();
  held.resolve(token);
  await over;
  expect(asked).toBe(0);
});

test('what keeps it from asking is not told as the hub’s silence', async () => {
  const told = Promise.withResolvers<string>();
  const check = new HubCheck({
    url: 'http://127.0.0.1:9/hub/api',
    log: createLog({ write: told.resolve }),
    token: () => Promise.reject(new Error('the token is gone')),
    secure: async () => ({}),
    routes: () => 0,
  });
  const over = check.run();
  expect(JSON.parse(await told.promise)).toMatchObject({
    event: 'routes_incomplete',
    problem: 'the hub cannot be asked: the token is gone',
  });
  check.close();
  await over;
});

/** A port on which nobody listens. */
async function freedPort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  await once(server.close(), 'close');
  return port;
}
