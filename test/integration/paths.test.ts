/** Paths that servers read in several ways, through a whole gateway. */
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { rawClient, rawConnect } from '../helpers/raw-client.ts';

const odd = [
  '/api/collaboration/session/dir%2Fa.ipynb',
  '/files//home/x',
  '/a/../b',
  '/%2e%2e/x',
  '/app;v=1/x',
  '/a\\b',
  '/a%5Cb%00c',
];

/**
 * A gateway with two routes that none of `odd` is torn between, and a server behind it that tells what it was asked
 * for.
 */
async function startTwoRoutes() {
  const targets: string[] = [];
  const server = createServer((req, res) => {
    targets.push(req.url!);
    res.end();
  });
  const port = await listen(server);
  const routes = [routeTo(port), routeTo(port, { name: 'admin', path: '/admin' })];
  return { targets, gateway: await startGateway({ routes }), server };
}

test.each(odd)('%j goes on untouched where every reading leads to one route', async (path) => {
  const { targets, gateway, server } = await startTwoRoutes();
  await using _gateway = gateway;
  const client = await rawConnect(gateway.port);
  client.sendText(`GET ${path}?q=%2F HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
  expect((await client.rest()).toString()).toMatch(/^HTTP\/1.1 200 /);
  expect(targets).toEqual([`${path}?q=%2F`]);
  server.close();
});

test.each(odd)('a handshake for %j does too', async (path) => {
  await using upstream = await fakeUpstream();
  const routes = [routeTo(upstream), routeTo(upstream, { name: 'admin', path: '/admin' })];
  await using gateway = await startGateway({ routes });
  await rawClient(gateway.port, { path });
  expect((await upstream.next()).request).toContain(`GET ${path} HTTP/1.1\r\n`);
});

test('a path between two routes is refused, and the refusal names both', async () => {
  const { targets, gateway, server } = await startTwoRoutes();
  await using _gateway = gateway;
  const client = await rawConnect(gateway.port);
  client.sendText('GET /x/..%2Fadmin HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\nConnection: close\r\n\r\n');
  const answer = (await client.rest()).toString();
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
    error: 'ambiguous_path',
    routes: [expect.any(String), 'admin'],
  });
  expect(targets).toEqual([]);
  server.close();
});
