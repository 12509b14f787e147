/**
 * V8 does not see the memory of chunks on its heap, and collects them when there are a hundred MB of them. So what is
 * passed on, and what is thrown away, is freed when nobody reads from it any more. Bodies without an end, in both
 * lanes, to and from those who take everything and those who take nothing.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { onTestFinished, test } from 'vitest';
import { listen } from '../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { cert, key } from '../helpers/test-certificate.ts';
import { scratchDirectory } from '../real/harness/paths.ts';
import { discard } from './load.ts';
import { Neighbour } from './neighbour.ts';

const forMs = 2000;
const forever = new Promise<never>(() => {});
/** A busy process: it is its size that is looked at. */
const mostEchoMs = 1000;

const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 'a'), Buffer.from('\r\n')]);

/** Writes something, and then the same again and again for as long as the other side takes it. */
function pour(socket: Socket, first: string, again: Buffer): void {
  socket.write(first);
  const more = () => {
    while (!socket.destroyed && socket.write(again));
    if (!socket.destroyed) socket.once('drain', more);
  };
  more();
}

/** A backend that answers without an end, a handshake with 403; it reads no more of what is sent below `/stuck`. */
async function backend(secure: boolean): Promise<string> {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (head: Buffer) => {
      const [method, path] = head.toString('latin1').trimStart().split(' ', 2);
      if (path === '/stuck') socket.pause();
      else socket.on('data', () => {});
      const status = head.includes('Upgrade: websocket') ? '403 Forbidden' : '200 OK';
      if (method === 'GET') pour(socket, `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`, chunk);
    });
  };
  const server = secure ? createTlsServer({ cert, key }, serve) : createServer(serve);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http${secure ? 's' : ''}://127.0.0.1:${await listen(server)}`;
}

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const upload = (path: string) => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;

interface Attack {
  readonly head: string;
  /** Whether the client takes what comes. */
  readonly reads: boolean;
}

const attacks: Readonly<Record<string, Attack>> = {
  'answers that are read': { head: get, reads: true },
  'answers that nobody reads': { head: get, reads: false },
  'refusals of handshakes that are read': { head: handshakeRequest(), reads: true },
  'refusals of handshakes that nobody reads': { head: handshakeRequest(), reads: false },
  'uploads that are read': { head: upload('/'), reads: true },
  'uploads that nobody reads': { head: upload('/stuck'), reads: true },
};

async function attack(neighbour: Neighbour, what: string, count: number, { head, reads }: Attack): Promise<void> {
  const peers = await Promise.all(Array.from({ length: count }, () => rawConnect(neighbour.sluice.port)));
  for (const peer of peers) {
    if (reads) discard(peer);
    else peer.socket.removeAllListeners('data').pause();
    if (head.includes('POST')) pour(peer.socket, head, chunk);
    else peer.sendText(head);
  }
  await neighbour.watch(`${count} ${what}`, forever, forMs, mostEchoMs);
  for (const peer of peers) peer.socket.destroy();
}

/** An empty line brings a request into the careful lane. */
const before = { fast: '', careful: '\r\n' };

test.each([
  { lane: 'careful', secure: false, counts: [20, 200] },
  { lane: 'careful', secure: true, counts: [20] },
  { lane: 'fast', secure: true, counts: [20] },
] as const)('bodies without an end leave no garbage in the $lane lane (upstream of TLS: $secure)', async (kind) => {
  const { lane, secure, counts } = kind;
  const upstream = await backend(secure);
  const ca = join(scratchDirectory('garbage'), 'ca.crt');
  writeFileSync(ca, cert);
  const neighbour = await Neighbour.start({
    routes: [
      {
        name: 'attacked',
        upstream,
        ...(secure ? { upstream_tls: { ca, server_name: 'localhost' } } : {}),
        http: { max_body_size: '1TiB', max_upstream_connections: 1000 },
      },
    ],
  });
  for (const [what, { head, reads }] of Object.entries(attacks)) {
    for (const count of counts) await attack(neighbour, what, count, { head: before[lane] + head, reads });
  }
});
