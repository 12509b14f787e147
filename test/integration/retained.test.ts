/**
 * What an open connection keeps in memory of its handshake or last request: nothing that is longer than anybody shows.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { switching } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { inUse } from '../helpers/memory-in-use.ts';
import { handshakeRequest, type RequestOptions } from '../helpers/raw-client.ts';

const count = 100;
const long = 50_000;
const filler = (i: number) => `${i}`.padEnd(long, 'abcdefghij');

const ways: Record<string, (i: number) => RequestOptions> = {
  'a query': (i) => ({ path: `/an/ordinary/path?token=${filler(i)}` }),
  'a path': (i) => ({ path: `/${filler(i)}` }),
  'a cookie': (i) => ({ headers: { Cookie: filler(i) } }),
  'an address among hops': (i) => ({ headers: { 'X-Forwarded-For': `${' '.repeat(long)}, 203.0.113.${i}` } }),
  'a host among hosts': (i) => ({ headers: { 'X-Forwarded-Host': `apps.example.org, ${filler(i)}` } }),
  subprotocols: (i) => ({ headers: { 'Sec-WebSocket-Protocol': `chat.of.nobody.in.particular, ${filler(i)}` } }),
};

/** An upstream that forgets at once what it was asked; the client's connections do so too. */
async function forgetful(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const chosen = chunk.includes('Protocol:') ? ['Sec-WebSocket-Protocol: chat.of.nobody.in.particular'] : [];
      if (chunk.includes('Sec-WebSocket-Key')) socket.write(switching(chunk.toString('latin1'), ...chosen));
      else if (chunk.includes('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    onTestFinished(() => {
      socket.destroy();
    });
  });
  onTestFinished(() => {
    server.close();
  });
  return listen(server);
}

async function open(port: number, options: RequestOptions): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  socket.write(handshakeRequest(options), 'latin1');
  const [answer] = await once(socket, 'data');
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 /);
}

test.each(Object.entries(ways))('%s of 50 KB goes with the handshake', { timeout: 60_000 }, async (_, request) => {
  const upstream = await forgetful();
  await using gateway = await startGateway({ routes: [routeTo(upstream)], trustedProxies: ['127.0.0.1'] });
  for (let i = 0; i < 20; i++) await open(gateway.port, {});
  const before = (await inUse()).all;
  for (let i = 0; i < count; i++) await open(gateway.port, {});
  const plain = (await inUse()).all - before;
  for (let i = 0; i < count; i++) await open(gateway.port, request(i));
  const longOnes = (await inUse()).all - before - plain;
  expect(gateway.gateway.sessions.sessions.size).toBe(20 + 2 * count);
  expect(longOnes - plain).toBeLessThan((count * long) / 5);
});

/** An empty line before it brings a connection into the careful lane. */
const requests: Readonly<Record<string, (text: string) => string>> = {
  'a target': (text) => `GET /?${text} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a target in the careful lane': (text) => `\r\nGET /?${text} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a name of a header in the careful lane': (text) => `\r\nGET / HTTP/1.1\r\nHost: a\r\nX-${text}: a\r\n\r\n`,
};

// Strings alone: buffers are kept for the next request, a bounded number of them.
test.each(Object.entries(requests))('%s of 50 KB goes with its answer', { timeout: 60_000 }, async (_, request) => {
  const upstream = await forgetful();
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const rest = async (text: string): Promise<void> => {
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => {});
    onTestFinished(() => {
      socket.destroy();
    });
    socket.write(request(text));
    const [answer] = await once(socket, 'data');
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
  };
  for (let i = 0; i < 20; i++) await rest('a');
  const before = (await inUse()).heap;
  for (let i = 0; i < count; i++) await rest('a');
  const plain = (await inUse()).heap - before;
  for (let i = 0; i < count; i++) await rest(filler(i));
  expect((await inUse()).heap - before - 2 * plain).toBeLessThan((count * long) / 5);
});
