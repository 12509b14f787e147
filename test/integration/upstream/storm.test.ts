/** Requests that end in every way at any moment: nothing is left of them. */
import { createServer, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { listen } from '../../helpers/listen.ts';
import { socketsOn } from '../../helpers/sockets.ts';
import { RawHttp, routeTo, startFront } from '../http-front.ts';

/** What a backend may do with a request. */
const manners: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was asked for'),
  (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
  (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok'),
  (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok'),
  (socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok'),
  (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\nConnection: Upgrade\r\n\r\n'),
  (socket) => socket.write('no HTTP\r\n\r\n'),
  (socket) => socket.destroy(),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  () => {},
];

const requests = [
  'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
  'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody',
  'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo',
  'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n',
];

test('neither a connection, nor a lease, nor one who waits is left, and the pool counts right', async () => {
  const backend = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => manners[Math.floor(Math.random() * manners.length)]!(socket));
  });
  const port = await listen(backend);
  const front = await startFront(routeTo(port, { maxUpstreamConnections: 8 }, { connectMs: 30 }));
  const { pool } = front.endpoint;
  const count = Number(process.env.SLUICE_STORM_REQUESTS ?? 600);
  let begun = 0;
  const client = async (): Promise<void> => {
    while (begun++ < count) {
      const http = new RawHttp(front.port);
      http.send(requests[begun % requests.length]!);
      const patience = Math.random() * 40;
      await Promise.race([http.closed(), new Promise((resolve) => setTimeout(resolve, patience))]);
      http.socket.destroy();
      expect(pool.size).toBeLessThanOrEqual(8);
    }
  };
  await Promise.all(Array.from({ length: 30 }, client));
  // On a busy machine requests of clients that have left long ago are accepted last.
  const patient = { timeout: 60_000 };
  await vi.waitUntil(() => front.forwarder.active === 0 && pool.size === pool.idle, patient);
  expect([pool.waiting, front.endpoint.leases]).toEqual([0, 0]);
  front.endpoint.retire();
  expect(pool.size).toBe(0);
  await vi.waitUntil(async () => (await socketsOn([port])) === 0, patient);
  backend.close();
});
