/**
 * What people have reported of JupyterHub's proxy and of what it is made of. With configurable-http-proxy 5.3.0 in the
 * place of Sluice the first leaves the client without an answer, the third ends with an uncaught ECONNRESET, and four
 * of the targets are answered with 500.
 */
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask, httpServer, hubGateway } from '../../helpers/hub.ts';
import { listen } from '../../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { socketsOn } from '../../helpers/sockets.ts';

/** A server of bare TCP: `serve` hears of each request's first bytes. */
async function tcpServer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => serve(socket));
  });
  onTestFinished(() => void server.close());
  return listen(server);
}

// jupyterhub/configurable-http-proxy#557
test('a server that answers a handshake with no 101, and keeps its connection, leaves no socket behind', async () => {
  const server = await tcpServer((socket) => socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno'));
  const hub = await hubGateway();
  await hub.set('/a', server);
  for (let i = 0; i < 10; i++) {
    const client = await rawConnect(hub.port);
    client.sendText(handshakeRequest({ path: '/a/ws' }));
    expect(await client.head()).toMatch(/^HTTP\/1.1 404 /);
    client.reset();
  }
  await expect.poll(() => socketsOn([server])).toBe(0);
});

// jupyterhub/configurable-http-proxy#599
test('clients that leave before their error page comes leave no connection to the hub behind', async () => {
  const waiting: (() => void)[] = [];
  const pages = await httpServer((_req, res) => {
    waiting.push(() => res.end('x'.repeat(100_000)));
    came();
  });
  const { promise: allCame, resolve } = Promise.withResolvers<void>();
  const came = () => waiting.length === 10 && resolve();
  const hub = await hubGateway({ api: `error_target: 'http://127.0.0.1:${pages}/hub/error'` });
  await hub.set('/dead', 1);
  const clients = await Promise.all(Array.from({ length: 10 }, () => rawConnect(hub.port)));
  for (const client of clients) client.sendText('GET /dead HTTP/1.1\r\nHost: h\r\n\r\n');
  await allCame;
  for (const client of clients) client.reset();
  await Promise.all(clients.map(({ gone }) => gone));
  for (const answer of waiting) answer();
  await expect.poll(() => socketsOn([pages])).toBe(0);
});

// http-party/node-http-proxy#1468, jupyterhub/jupyterhub#3355
test('servers and clients that reset in the middle of a handshake end nothing else', async () => {
  const server = await tcpServer((socket) => socket.resetAndDestroy());
  const alive = await httpServer((_req, res) => res.end('alive'));
  const hub = await hubGateway();
  await hub.set('/a', server);
  await hub.set('/b', alive);
  for (let i = 0; i < 20; i++) {
    const client = await rawConnect(hub.port);
    client.sendText(handshakeRequest({ path: '/a/ws' }));
    if (i % 2 === 0) client.reset();
    else expect(await client.head()).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
  }
  expect((await ask(hub.port, '/b')).body).toBe('alive');
});

// jupyterhub/jupyterhub#623
test('a server that ends in the middle of a POST is 503 at once, and the POST is not sent again', async () => {
  let came = 0;
  const server = await tcpServer((socket) => {
    came++;
    socket.resetAndDestroy();
  });
  const hub = await hubGateway();
  await hub.set('/a', server);
  const answer = await ask(hub.port, '/a/api/kernels/x/interrupt', { method: 'POST', body: '{}' });
  expect(answer).toMatchObject({ status: 503, body: expect.stringContaining('broke off') });
  expect(came).toBe(1);
});

// http-party/node-http-proxy#415
test('targets that are no usual paths are passed on as they came, or refused, and end nothing', async () => {
  const seen: string[] = [];
  const alive = await httpServer((req, res) => {
    seen.push(req.url!);
    res.end();
  });
  const hub = await hubGateway();
  await hub.set('/', alive);
  const passed = ['//', '//bad-url?e=a@b', '/\\', '/%', '/%ff', '/[', '/a?b=%', '/..', '/a/../b'];
  const refused = ['/a#b', 'http://[::1/x', '*', '/a b', '/\xff'];
  for (const target of [...passed, ...refused]) {
    const client = await rawConnect(hub.port);
    client.sendText(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect((await client.head()).slice(9, 12), target).toBe(passed.includes(target) ? '200' : '400');
  }
  expect(seen).toEqual(passed);
});

// jupyterhub/jupyterhub#1636
test('a route that is deleted by several at once is deleted once, and not there for the others', async () => {
  const hub = await hubGateway();
  await hub.set('/user/ann', 1);
  const answers = await Promise.all([1, 2, 3].map(() => hub.api('/user/ann', { method: 'DELETE' })));
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404]);
});

// jupyterhub/jupyterhub#1244: a server that was started anew at another port
test('a route that is set anew while its server is asked leads there at once, and the answer still comes', async () => {
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const old = await httpServer((_req, res) => resolve(() => res.end('old')));
  const young = await httpServer((_req, res) => res.end('new'));
  const hub = await hubGateway();
  await hub.set('/a', old);
  const first = ask(hub.port, '/a');
  const answer = await promise;
  await hub.set('/a', young);
  expect((await ask(hub.port, '/a')).body).toBe('new');
  answer();
  expect((await first).body).toBe('old');
});
