/** What one client, or whoever should read the log, can do to a neighbour: nothing that it would notice. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { MiB } from './load.ts';
import { budgetMiB, Neighbour, spareMiB } from './neighbour.ts';

const pipelined = 3000;

/** A Sluice with a neighbour on it, and a file behind it. */
async function setUp() {
  const file = Buffer.alloc(2 * MiB, 'x');
  const files = createServer((_req, res) => res.end(file));
  files.keepAliveTimeout = 60_000;
  const filePort = await listen(files);
  const neighbour = await Neighbour.start({
    routes: [{ name: 'file', match: { path: '/file' }, upstream: `http://127.0.0.1:${filePort}` }],
  });
  onTestFinished(() => {
    files.closeAllConnections();
    files.close();
  });
  return neighbour;
}

/** Sends that many requests in one write, and reads no answer. */
async function pipeline(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(pipelined));
  return socket;
}

test(`${pipelined} requests in one write, on either port, hold nobody up`, async () => {
  const neighbour = await setUp();
  const { sluice } = neighbour;
  await pipeline(sluice.port, '/file');
  await neighbour.watch('a file, unread', new Promise(() => {}));
  for (const path of ['/metrics', '/api/config', '/api/connections', '/']) {
    await pipeline(sluice.adminPort, path);
    const grown = await neighbour.watch(`${path} of the admin port, unread`, new Promise(() => {}));
    expect(grown).toBeLessThan(spareMiB + budgetMiB);
  }
  // Somebody who reads them all.
  const reader = await pipeline(sluice.port, '/file');
  let bytes = 0;
  reader.on('data', (chunk) => {
    bytes += chunk.length;
  });
  reader.resume();
  await neighbour.watch('a file, read', new Promise(() => {}));
  expect(bytes).toBeGreaterThan(20 * MiB);
});

test('a log that nobody reads holds nobody up', async () => {
  const neighbour = await setUp();
  const { sluice } = neighbour;
  sluice.process.deafen();
  const request = handshakeRequest({ path: `/${'long/'.repeat(50)}`, headers: { 'Sec-WebSocket-Version': '8' } });
  let visits = 0;
  let on = true;
  const visiting = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (on) {
        const client = await rawConnect(sluice.port);
        client.sendText(request);
        await client.ended;
        client.socket.destroy();
        visits++;
      }
    }),
  );
  await neighbour.watch('a log that nobody reads', new Promise(() => {}));
  on = false;
  await visiting;
  const metrics = await (await fetch(`${sluice.adminUrl}/metrics`)).text();
  const dropped = Number(/^sluice_log_lines_dropped_total\{reason="unread"\} (\d+)$/m.exec(metrics)![1]);
  console.log(`${visits} connections, ${dropped} lines dropped`);
  expect(dropped).toBeGreaterThan(0);
});
