/**
 * The memory of what has been passed on is freed at once. Were it freed too early, other bytes would arrive, or none.
 * So bodies in chunks of all sizes go there and back, and everybody waits for everybody.
 */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';
import { handshakeRequest } from '../../helpers/raw-client.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

const body = randomBytes(6 * 1024 * 1024);
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Pieces of sizes from 1 byte on, of which the last are large. */
function* pieces(): Generator<Buffer> {
  for (let at = 0, size = 1; at < body.length; size = Math.min(size * 2 + 1, 300_000)) {
    yield body.subarray(at, at + size);
    at += size;
  }
}

/** Reads a little, and then nothing for a round. */
function sip(from: IncomingMessage | Socket): void {
  from.on('data', () => {
    from.pause();
    setImmediate(() => from.resume());
  });
}

/** A backend that takes a body in sips and sends it back; it refuses handshakes with the same bytes. */
async function backend(secure: boolean): Promise<number> {
  const server: Server = secure ? createTlsServer({ cert, key }) : createServer();
  server.on('request', async (req, res) => {
    sip(req);
    const got = await buffer(req);
    for (const piece of got.length === 0 ? pieces() : [got]) res.write(piece);
    res.end();
  });
  server.on('upgrade', (_req, socket: Socket) => {
    socket.write('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const piece of pieces()) {
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write('\r\n');
    }
    socket.end('0\r\n\r\n');
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server);
}

async function start(secure: boolean): Promise<TestGateway> {
  const port = await backend(secure);
  const ca = join(scratchFolder(), 'ca.crt');
  writeFileSync(ca, cert);
  const trust = secure ? `, upstream_tls: {ca: "${ca}", server_name: localhost}` : '';
  return startGatewayOf(`
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
routes:
  - {name: app, upstream: "http${secure ? 's' : ''}://127.0.0.1:${port}", http: {max_body_size: 1GiB}${trust}}
`);
}

/** Sends a request, in the careful lane, and returns the body of its answer. */
async function ask(port: number, head: string, send: (socket: Socket) => void): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  sip(socket);
  socket.write(`\r\n${head}`);
  send(socket);
  const answer = await buffer(socket);
  const bodyAt = answer.indexOf('\r\n\r\n') + 4;
  const told = answer.toString('latin1', 0, bodyAt).toLowerCase();
  return told.includes('transfer-encoding: chunked') ? joined(answer.subarray(bodyAt)) : answer.subarray(bodyAt);
}

/** The payload of a body in chunks. */
function joined(chunks: Buffer): Buffer {
  const all: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = chunks.indexOf('\r\n', at);
    const size = Number.parseInt(chunks.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(all);
    all.push(chunks.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

const top = 'Host: h\r\nConnection: close\r\n';
const asks: Readonly<Record<string, [head: string, send: (socket: Socket) => void]>> = {
  'a body of a known length': [
    `POST / HTTP/1.1\r\n${top}Content-Length: ${body.length}\r\n\r\n`,
    (socket) => {
      for (const piece of pieces()) socket.write(piece);
    },
  ],
  'a body in chunks': [
    `POST / HTTP/1.1\r\n${top}Transfer-Encoding: chunked\r\n\r\n`,
    (socket) => {
      for (const piece of pieces()) {
        socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(piece);
        socket.write('\r\n');
      }
      socket.write('0\r\n\r\n');
    },
  ],
  'an answer': [`GET / HTTP/1.1\r\n${top}\r\n`, () => {}],
  'the refusal of a handshake': [handshakeRequest(), () => {}],
};

for (const secure of [false, true]) {
  test.each(Object.entries(asks))(
    `%s passes whole${secure ? ', over TLS to the upstream' : ''}`,
    async (_, [head, send]) => {
      await using gateway = await start(secure);
      const [one, two] = await Promise.all([ask(gateway.port, head, send), ask(gateway.port, head, send)]);
      expect([one.length, digest(one)]).toEqual([body.length, digest(body)]);
      expect(digest(two)).toBe(digest(body));
    },
  );
}
