/**
 * What a client sends with the head of its request goes up with the head. uvicorn may refuse a head and close before it
 * has read more, and where the body comes on its own then, its kernel resets the connection, with the end of the answer
 * unsent. TLS shows each write as a record of its own.
 */
import { connect } from 'node:net';
import { createServer, setDefaultCACertificates } from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';
import { listen } from '../../helpers/listen.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

const bodies = {
  'with its length': { framing: 'Content-Length: 5', body: 'whole' },
  'in chunks': { framing: 'Transfer-Encoding: chunked', body: '5\r\nwhole\r\n0\r\n\r\n' },
} as const;

beforeAll(() => setDefaultCACertificates([cert]));

/** Answers what is whole; `records` are the numbers of records in which each request came. */
async function startUpstream() {
  const records: number[] = [];
  const server = createServer({ cert, key }, (socket) => {
    let request = '';
    let count = 0;
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        request += bytes.toString('latin1');
        count++;
        if (!request.startsWith('GET') && !/whole(\r\n0\r\n\r\n)?$/.test(request)) return;
        records.push(count);
        request = '';
        count = 0;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
  });
  const port = await listen(server);
  onTestFinished(() => void server.close());
  const upstream = { protocol: 'https:', host: 'localhost', port, href: `https://localhost:${port}` } as const;
  return { route: routeTo(port, { upstream }), records };
}

test.each(Object.entries(bodies))(
  'a body %s that comes with its head goes up with it',
  async (_, { framing, body }) => {
    const { route, records } = await startUpstream();
    await using gateway = await startGateway({ routes: [route] });
    const socket = connect({ port: gateway.port, host: '127.0.0.1' });
    onTestFinished(() => void socket.destroy());
    const reader = new HttpReader(socket);
    const put = `PUT / HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n${body}`;
    // On a new connection, then on the one that the GET has left behind.
    for (const request of [put, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', put]) {
      socket.write(request);
      expect((await reader.message('response')).body).toBe('ok');
    }
    expect(records).toEqual([1, 1, 1]);
  },
);

test('a head whose body comes later does not wait for it', async () => {
  const { promise: head, resolve } = Promise.withResolvers<string>();
  const server = createServer({ cert, key }, (socket) => {
    socket.on('error', () => {}).once('data', (bytes) => resolve(bytes.toString('latin1')));
  });
  const port = await listen(server);
  onTestFinished(() => void server.close());
  const upstream = { protocol: 'https:', host: 'localhost', port, href: `https://localhost:${port}` } as const;
  await using gateway = await startGateway({ routes: [routeTo(port, { upstream })] });
  const socket = connect({ port: gateway.port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5');
  expect(await head).toMatch(/^PUT \/ HTTP\/1\.1\r\n[\s\S]*\r\n\r\n$/);
});
