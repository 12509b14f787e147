/** The pages for no route and no server: whose they are, and what becomes of those that do not come. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Descriptors } from '../../../src/front/descriptors.ts';
import { ask, httpServer, hubGateway, textUntil } from '../../helpers/hub.ts';
import { listen } from '../../helpers/listen.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

/** Both lanes: a target in absolute form is for the careful one. */
const lanes = [
  ['fast', (path: string) => path],
  ['careful', (path: string) => `http://127.0.0.1${path}`],
] as const;

async function asked(port: number, target: string): Promise<string> {
  const client = await rawConnect(port);
  client.sendText(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  await client.ended;
  return client.received.toString('latin1');
}

test.each(lanes)('come from the error target, with our status and its type (%s lane)', async (_lane, form) => {
  const seen: string[] = [];
  const pages = await httpServer((req, res) => {
    seen.push(req.url!);
    res.writeHead(200, { 'Content-Type': 'text/x-page', 'Content-Encoding': 'identity', 'Set-Cookie': 'a=1' });
    res.end(`page of ${req.url!.split('?')[0]}`);
  });
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${pages}/hub/error/'` });
  await hub.set('/dead', 1);
  const none = await asked(hub.port, form('/nowhere/a?b=c d'.replace(' ', '%20')));
  expect(none).toMatch(/^HTTP\/1.1 404 /);
  expect(none).toMatch(/\r\nContent-Type: text\/x-page\r\n/i);
  expect(none).toMatch(/\r\nContent-Encoding: identity\r\n/i);
  expect(none).not.toContain('Set-Cookie');
  expect(none).toMatch(/page of \/hub\/error\/404$/);
  const dead = await asked(hub.port, form('/dead/x'));
  expect(dead).toMatch(/^HTTP\/1.1 503 /);
  expect(dead).toMatch(/page of \/hub\/error\/503$/);
  // The log says what the client got.
  expect(hub.log.find(({ event }) => event === 'http_failed')).toMatchObject({ status: 503 });
  expect(seen).toEqual([
    `/hub/error/404?url=${encodeURIComponent(form('/nowhere/a?b=c%20d'))}`,
    '/hub/error/503?url=%2Fdead%2Fx',
  ]);
});

test('come from an error target on a unix socket, as CHP takes one', async () => {
  const socket = join(mkdtempSync(join(tmpdir(), 'pages-')), 'hub.sock');
  const server = createHttpServer((req, res) => res.end(`${req.headers.host} ${req.url}`)).listen(socket);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  for (const scheme of ['http+unix', 'unix+http']) {
    for (const base of ['', '/', '/hub/error', '/hub/error/']) {
      const hub = await hubGateway({ api: `error_target: '${scheme}://${encodeURIComponent(socket)}${base}'` });
      const { status, body } = await ask(hub.port, '/nowhere?a=b');
      expect([status, body]).toEqual([404, `localhost ${base.replace(/\/$/, '')}/404?url=%2Fnowhere%3Fa%3Db`]);
    }
  }
});

test('a page does not end a connection that goes on, and what was sent ahead waits for it', async () => {
  const pages = await httpServer((_req, res) => res.end('dead page'));
  const alive = await httpServer((_req, res) => res.end('second page'));
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${pages}'` });
  await hub.set('/dead', 1);
  await hub.set('/a', alive);
  const client = await rawConnect(hub.port);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
  client.sendText(get('/dead') + get('/a') + get('/dead'));
  await textUntil(client, 'second page');
  const order = () => client.received.toString().match(/dead page|second page/g) ?? [];
  while (order().length < 3) await textUntil(client, 'dead page').then(() => new Promise(setImmediate));
  expect(order()).toEqual(['dead page', 'second page', 'dead page']);
});

test('a HEAD has the page’s header alone', async () => {
  const pages = await httpServer((_req, res) => res.end('page'));
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${pages}'` });
  const answer = await ask(hub.port, '/x', { method: 'HEAD' });
  expect(answer).toMatchObject({ status: 404, body: '' });
  expect(answer.headers['content-length']).toBe('4');
});

test('come from a folder, the status’s own first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pages-'));
  writeFileSync(join(folder, '404.html'), 'no such page');
  const hub = await hubGateway({ api: `error_path: ${folder}` });
  await hub.set('/dead', 1);
  expect(await ask(hub.port, '/x')).toMatchObject({ status: 404, body: 'no such page' });
  expect((await ask(hub.port, '/x')).headers['content-type']).toContain('text/html');
  expect((await ask(hub.port, '/dead')).body).toContain('503 Service Unavailable');
  writeFileSync(join(folder, 'error.html'), 'any');
  expect(await ask(hub.port, '/dead')).toMatchObject({ status: 503, body: 'any' });
});

test('Sluice’s own refusals keep their words', async () => {
  const pages = await httpServer((_req, res) => res.end('page'));
  const alive = await httpServer((_req, res) => res.end('second page'));
  const hub = await hubGateway({
    api: `error_target: 'http://127.0.0.1:${pages}'`,
    more: 'defaults: {http: {max_body_size: 1B}}\n',
  });
  await hub.set('/a', alive);
  const answer = await ask(hub.port, '/a', { method: 'POST', body: 'xx' });
  expect(answer.status).toBe(413);
  expect(answer.body).toContain('http.max_body_size');
});

test('a failed handshake is 503, in words of ours', async () => {
  const hub = await hubGateway();
  await hub.set('/dead', 1);
  const client = await rawConnect(hub.port);
  client.sendText(
    'GET /dead HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  expect(await client.head()).toMatch(/^HTTP\/1.1 503 /);
});

/** Error targets that do not do what they should. */
const bad: readonly (readonly [name: string, port: () => Promise<number>, why: RegExp])[] = [
  ['is not there', async () => 1, /ECONNREFUSED/],
  [
    'redirects',
    () => httpServer((_req, res) => res.writeHead(302, { Location: 'http://169.254.169.254/' }).end()),
    /302/,
  ],
  [
    'sends without end',
    () =>
      httpServer((_req, res) => {
        const more = () => {
          while (!res.destroyed && res.write('x'.repeat(65_536)));
        };
        res.on('drain', more);
        more();
      }),
    /1048576/,
  ],
  [
    'breaks off',
    () =>
      httpServer((_req, res) => {
        res.writeHead(200, { 'Content-Length': '100' }).write('half');
        setImmediate(() => res.destroy());
      }),
    /broke off|aborted|hang up/,
  ],
  [
    'speaks no HTTP',
    async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {}).end('SSH-2.0\r\n');
      });
      onTestFinished(() => void server.close());
      return listen(server);
    },
    /Parse Error/,
  ],
  [
    'changes the protocol',
    async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {}).write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      });
      onTestFinished(() => void server.close());
      return listen(server);
    },
    /closed without an answer/,
  ],
  [
    'sends what its client could not read',
    () =>
      httpServer((_req, res) => {
        res.socket!.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');
      }),
    /transfer coding/,
  ],
  [
    'sends informational answers without end',
    () =>
      httpServer((_req, res) => {
        const { socket } = res;
        const more = () => {
          while (!socket!.destroyed && socket!.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3000)));
        };
        socket!.on('drain', more).on('error', () => {});
        more();
      }),
    /informational/,
  ],
  [
    'sends a byte now and then',
    () =>
      httpServer((_req, res) => {
        const clock = setInterval(() => res.write('x'), 100);
        res.on('close', () => clearInterval(clock));
      }),
    /2000 ms/,
  ],
  [
    'says nothing',
    async () => {
      const server = createServer((socket) => void socket.on('error', () => {}));
      onTestFinished(() => void server.close());
      return listen(server);
    },
    /2000 ms/,
  ],
];

test.each(bad)('an error target that %s leaves Sluice’s own answer', async (_name, start, why) => {
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${await start()}'` });
  const answer = await ask(hub.port, '/nowhere');
  expect(answer.status).toBe(404);
  expect(answer.body).toContain('no route matches');
  const metrics = Buffer.concat(await hub.gateway.renderMetrics('text')).toString();
  expect(metrics).toContain('sluice_error_page_failures_total 1');
  expect(hub.log.find(({ event }) => event === 'error_page_failed')).toMatchObject({
    detail: expect.stringMatching(why),
  });
});

test('a client that leaves while its page is asked for leaves nothing behind', async () => {
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const pages = await httpServer((_req, res) => resolve(() => res.end('late')));
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${pages}'` });
  const client = await rawConnect(hub.port);
  client.sendText('GET /x HTTP/1.1\r\nHost: h\r\n\r\n');
  const answer = await promise;
  client.reset();
  answer();
  expect((await ask(hub.port, '/_chp_healthz')).status).toBe(200);
});

test.each(['fast', 'careful'])('an error target that leads back to Sluice is asked once (%s lane)', async (lane) => {
  // Whoever passes on to a port that is known only later: as a load balancer before Sluice is.
  let port = 0;
  const asked: string[] = [];
  const back = await httpServer((req, res) => {
    asked.push(req.url!);
    void ask(port, lane === 'fast' ? req.url! : `http://127.0.0.1:${port}${req.url}`).then((answer) =>
      res.writeHead(answer.status).end(answer.body),
    );
  });
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${back}/hub/error'` });
  port = hub.port;
  expect((await ask(hub.port, '/a')).status).toBe(404);
  expect(asked).toEqual(['/hub/error/404?url=%2Fa']);
  expect(hub.log.find(({ event }) => event === 'error_page_failed')).toMatchObject({
    detail: expect.stringContaining('leads back'),
  });
});

test('where descriptors run out nobody is asked for a page', async () => {
  let asked = 0;
  const pages = await httpServer((_req, res) => {
    asked++;
    res.end('a page');
  });
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${pages}'` });
  expect((await ask(hub.port, '/nowhere')).body).toBe('a page');
  const spares = vi.spyOn(Descriptors.prototype, 'spares').mockReturnValue(false);
  onTestFinished(() => spares.mockRestore());
  const answer = await ask(hub.port, '/nowhere');
  expect([answer.status, asked]).toEqual([404, 1]);
  expect(answer.body).toContain('no route matches');
  expect(hub.log.find(({ event }) => event === 'error_page_failed')).toMatchObject({
    detail: 'the process may open no more files',
  });
});
