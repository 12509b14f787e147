/**
 * A route to another proxy that leads back here: one handshake dials until no descriptor is left. It ends by itself,
 * with a 503 that goes back round all of it, and others are served meanwhile.
 */
import { readdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { FakeUpstream } from '../helpers/fake-upstream.ts';
import { listen } from '../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';
import { until } from '../helpers/until.ts';

/** A backend that passes what is asked below `/ring` on to a port, and answers everything else. */
async function proxy(portOf: () => number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (head: Buffer) => {
      if (!head.includes('GET /ring')) {
        socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
        return;
      }
      const on = connect(portOf(), '127.0.0.1');
      sockets.add(on);
      on.on('error', () => {}).on('close', () => socket.destroy());
      socket.on('close', () => on.destroy());
      on.write(head);
      socket.pipe(on).pipe(socket);
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

test.each([
  ['a handshake', handshakeRequest({ path: '/ring' })],
  ['a request', 'GET /ring HTTP/1.1\r\nHost: gateway.test\r\n\r\n'],
])(
  '%s that goes round in a circle over another proxy ends by itself, and keeps nobody else from being served',
  async (_what, ask) => {
    let back = 0;
    const upstream = { port: await proxy(() => back) } as FakeUpstream;
    const { serve, port, adminPort } = await Serve.start(upstream, { openFiles: 400 });
    await using _ = serve;
    back = port;
    // On connections of their own: one that is kept makes room when there is none.
    const statusOf = async (url: string) => (await fetch(url, { headers: { Connection: 'close' } })).status;
    const neighbour = () => statusOf(`http://127.0.0.1:${port}/`);
    expect(await neighbour()).toBe(200);
    const descriptors = () => readdirSync(`/proc/${serve.process.pid}/fd`).length;
    const before = descriptors();
    const client = await rawConnect(port);
    client.sendText(ask);
    let isOver = false;
    const answered = client.head().then((head) => {
      isOver = true;
      return head;
    });
    let most = 0;
    let served = 0;
    while (!isOver) {
      expect(await statusOf(`http://127.0.0.1:${adminPort}/healthz`)).toBe(200);
      // For a moment nobody else gets a descriptor.
      if ((await neighbour().catch(() => 0)) === 200) served++;
      most = Math.max(most, descriptors());
    }
    expect(await answered).toMatch(/^HTTP\/1\.1 503 /);
    expect(most).toBeLessThan(400);
    expect(served).toBeGreaterThan(0);
    client.reset();
    await until(() => descriptors() <= before + 4);
    expect(await neighbour()).toBe(200);
  },
);
