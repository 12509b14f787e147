/**
 * An upstream that answers before it has read the body, and closes: its kernel resets the connection behind the answer,
 * for there is something that nobody has read. The client gets the answer, whichever lane its request is in.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, setDefaultCACertificates } from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Route } from '../../../src/config/types.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';
import { listen } from '../../helpers/listen.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

/** Enough for the races between the answer, the rest of the body and the reset behind it. */
const tries = 10;
const bodyBytes = 3e6;
const piece = Buffer.alloc(64 * 1024, 'x');
/** More than is read at once, and less than a socket holds: what the kernel has not sent before the reset is lost. */
const page = 'p'.repeat(30_000);

const answers = {
  'with its length': { text: `HTTP/1.1 413 Too Large\r\nContent-Length: ${page.length}\r\n\r\n${page}`, body: page },
  'in chunks': { text: 'HTTP/1.1 401 Who\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n0\r\n\r\n', body: 'who' },
  'that ends with its connection': { text: 'HTTP/1.1 400 Bad\r\n\r\nbad', body: 'bad' },
} as const;

/** Answers what has begun, and closes with all the rest unread. */
async function startUpstream(protocol: 'http:' | 'https:', answer: string): Promise<Route> {
  const serve = (socket: Socket) => {
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.pause().write(answer, () => socket.destroy());
      });
  };
  const server = protocol === 'http:' ? createServer(serve) : createTlsServer({ cert, key }, serve);
  const port = await listen(server);
  onTestFinished(() => void server.close());
  return routeTo(port, { upstream: { protocol, host: 'localhost', port, href: `${protocol}//localhost:${port}` } });
}

/** Sends a body as fast as it is taken, for as long as somebody wants it. */
async function upload(socket: Socket, chunked: boolean): Promise<void> {
  for (let sent = 0; sent < bodyBytes && !socket.destroyed; sent += piece.length) {
    const bytes = chunked ? Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]) : piece;
    if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
  }
}

beforeAll(() => setDefaultCACertificates([cert]));

describe.each(['http:', 'https:'] as const)('from an upstream of %s', (protocol) => {
  describe.each(['fast', 'careful'] as const)('through the %s lane', (lane) => {
    test.each(Object.entries(answers))('an answer %s comes as it is, each time', async (_, { text, body }) => {
      await using gateway = await startGateway({ routes: [await startUpstream(protocol, text)] });
      const outcomes: unknown[] = [];
      for (let i = 0; i < 2 * tries; i++) {
        const chunked = i % 2 === 0;
        const socket = connect({ port: gateway.port, host: '127.0.0.1' }).on('error', () => {});
        const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`;
        // An empty line before it brings a connection into the careful lane.
        socket.write(`${lane === 'careful' ? '\r\n' : ''}POST / HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n`);
        const answer = new HttpReader(socket).message('response');
        void upload(socket, chunked);
        outcomes.push(
          await answer.then(
            (message) => [message.startLine, message.body],
            (error) => error.message,
          ),
        );
        socket.destroy();
      }
      const expected = [text.slice(0, text.indexOf('\r\n')), body];
      expect(outcomes).toEqual(Array.from({ length: 2 * tries }, () => expected));
      expect(gateway.log.filter(({ event }) => event === 'http_failed')).toEqual([]);
    });
  });
});
