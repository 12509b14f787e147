/** What an open connection keeps in memory of its handshake: nothing that is longer than anybody shows. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { switching } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { handshakeRequest, type RequestOptions } from '../helpers/raw-client.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use once what nobody holds is gone. */
async function inUse(): Promise<number> {
  // Some handles let go of their objects a turn later.
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate);
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

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
  const before = await inUse();
  for (let i = 0; i < count; i++) await open(gateway.port, {});
  const plain = (await inUse()) - before;
  for (let i = 0; i < count; i++) await open(gateway.port, request(i));
  const longOnes = (await inUse()) - before - plain;
  expect(gateway.gateway.sessions.sessions.size).toBe(20 + 2 * count);
  expect(longOnes - plain).toBeLessThan((count * long) / 5);
});
