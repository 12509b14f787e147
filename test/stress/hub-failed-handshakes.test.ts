/**
 * Twenty thousand handshakes that fail in every way behind a hub's routes: the second half leaves nothing more than the
 * first.
 */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { socketsOn } from '../helpers/sockets.ts';
import { root } from '../real/harness/paths.ts';
import { freePort } from '../real/harness/ports.ts';
import { residentBytes } from '../real/harness/process-memory.ts';
import { answers, ServerProcess } from '../real/harness/server-process.ts';

const handshakes = 10_000;
const atOnce = 50;
const token = 'the-token-of-the-proxy';
/** One kept socket alone is a few KB: ten thousand of them would be more. */
const mostGrowth = 16 << 20;

/** What users' servers do with a handshake, by the path of their route; the last ones are none. */
const servers: Readonly<Record<string, (socket: Socket) => void>> = {
  '/refuses': (socket) => void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
  '/closes': (socket) => void socket.end(),
  '/resets': (socket) => void socket.resetAndDestroy(),
  '/wrong': (socket) =>
    void socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    ),
  '/talks': (socket) => void socket.write('hello, I speak no HTTP\r\n\r\n'),
  // The client leaves before it says anything.
  '/hangs': () => {},
};
const paths = [...Object.keys(servers), '/dead', '/nobody'];

test('10 000 failed handshakes leave descriptors and memory as they were', async () => {
  const sockets = new Set<Socket>();
  const ports: number[] = [];
  const listeners = Object.entries(servers).map(([path, serve]) => {
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
      socket.once('data', () => serve(socket));
    });
    return { path, server };
  });
  for (const { server } of listeners) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  const [port, apiPort] = [await freePort(), await freePort()];
  await using proxy = await ServerProcess.start({
    name: 'sluice hub-proxy',
    command: process.execPath,
    args: [
      ...[join(root, 'src/main.ts'), 'hub-proxy', '--log-level=error', '--ip=127.0.0.1', `--port=${port}`],
      ...['--api-ip=127.0.0.1', `--api-port=${apiPort}`],
    ],
    env: { CONFIGPROXY_AUTH_TOKEN: token },
    ready: answers(`http://127.0.0.1:${port}/_chp_healthz`),
  });
  const targets = [...listeners.map(({ path }, i) => [path, ports[i]] as const), ['/dead', 1] as const];
  for (const [path, to] of targets) {
    const answer = await fetch(`http://127.0.0.1:${apiPort}/api/routes${path}`, {
      method: 'POST',
      headers: { Authorization: `token ${token}`, Connection: 'close' },
      body: JSON.stringify({ target: `http://127.0.0.1:${to}`, user: 'ann' }),
    });
    expect(answer.status).toBe(201);
  }

  const statuses = new Map<string, number>();
  const one = async (i: number) => {
    const path = paths[i % paths.length]!;
    const client = await rawConnect(port);
    client.sendText(handshakeRequest({ path }));
    if (path !== '/hangs') {
      const status = `${path} ${(await client.head()).slice(9, 12)}`;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    client.socket.destroy();
  };
  const all = async () => {
    let next = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < handshakes) await one(next++);
      }),
    );
    const none = { timeout: 60_000, interval: 100 };
    await vi.waitFor(async () => expect(await socketsOn([port, apiPort, ...ports])).toBe(0), none);
  };
  const descriptors = async () => (await readdir(`/proc/${proxy.pid}/fd`)).length;

  await all();
  const before = { descriptors: await descriptors(), bytes: await residentBytes(proxy.pid) };
  await all();
  await vi.waitFor(async () => expect(await descriptors()).toBeLessThanOrEqual(before.descriptors), {
    timeout: 60_000,
  });
  const after = { descriptors: await descriptors(), bytes: await residentBytes(proxy.pid) };
  const grown = after.bytes - before.bytes;
  console.log(
    `failed handshakes: ${JSON.stringify([...statuses])}; ${after.descriptors} descriptors, ${(grown / 2 ** 20).toFixed(1)} MiB more`,
  );
  expect([...statuses.keys()].toSorted()).toEqual([
    '/closes 503',
    '/dead 503',
    '/nobody 404',
    '/refuses 403',
    '/resets 503',
    '/talks 502',
    '/wrong 502',
  ]);
  expect(grown).toBeLessThan(mostGrowth);
  for (const { server } of listeners) server.close();
});
