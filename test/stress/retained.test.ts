/**
 * What an open connection keeps in memory of its handshake or last request: nothing that is longer than anybody shows.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { JupyterHubJudge } from '../../src/admission/auth/jupyterhub/jupyterhub.ts';
import type { AuthRequest } from '../../src/admission/auth/types.ts';
import { switching } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { inUse } from '../helpers/memory-in-use.ts';
import { handshakeRequest, type RequestOptions } from '../helpers/raw-client.ts';
import { until } from '../helpers/until.ts';

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

const stack = new AsyncDisposableStack();
/** Connections that stand until their test is over: what they keep is let go with them. */
let opened = new DisposableStack();
let gateway: TestGateway;

beforeAll(async () => {
  gateway = stack.use(await startGateway({ routes: [routeTo(await forgetful())], trustedProxies: ['127.0.0.1'] }));
});

afterEach(letGo);
afterAll(() => stack.disposeAsync());

/** Ends all connections at both ends: a process may have no more than a thousand descriptors. */
async function letGo(): Promise<void> {
  opened.dispose();
  opened = new DisposableStack();
  await until(() => gateway.gateway.sessions.sessions.size === 0);
}

/** An upstream that forgets at once what it was asked; the client's connections do so too. */
async function forgetful(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const chosen = chunk.includes('Protocol:') ? ['Sec-WebSocket-Protocol: chat.of.nobody.in.particular'] : [];
      if (chunk.includes('Sec-WebSocket-Key')) socket.write(switching(chunk.toString('latin1'), ...chosen));
      else if (chunk.includes('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    opened.defer(() => void socket.destroy());
  });
  stack.defer(() => void server.close());
  return listen(server);
}

/** Sends that on a connection of its own, which stays, and expects this status. */
async function ask(text: string, status: number): Promise<void> {
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => {});
  opened.defer(() => void socket.destroy());
  socket.write(text, 'latin1');
  const [answer] = await once(socket, 'data');
  expect(answer.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
}

describe('of a handshake', () => {
  const open = (options: RequestOptions) => ask(handshakeRequest(options), 101);
  /** What as many plain connections take. */
  let plain: number;

  beforeAll(async () => {
    for (let i = 0; i < 20; i++) await open({});
    const before = (await inUse()).all;
    for (let i = 0; i < count; i++) await open({});
    plain = (await inUse()).all - before;
    await letGo();
  });

  test.each(Object.entries(ways))('%s of 50 KB goes with it', async (_, request) => {
    const before = (await inUse()).all;
    for (let i = 0; i < count; i++) await open(request(i));
    const used = (await inUse()).all;
    expect(gateway.gateway.sessions.sessions.size).toBe(count);
    expect(used - before - plain).toBeLessThan((count * long) / 5);
  });
});

/** An empty line before it brings a connection into the careful lane. */
const requests: Readonly<Record<string, (text: string) => string>> = {
  'a target': (text) => `GET /?${text} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a target in the careful lane': (text) => `\r\nGET /?${text} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'a name of a header in the careful lane': (text) => `\r\nGET / HTTP/1.1\r\nHost: a\r\nX-${text}: a\r\n\r\n`,
};

// Strings alone: buffers are kept for the next request, a bounded number of them.
test.each(Object.entries(requests))('%s of 50 KB goes with its answer', async (_, request) => {
  for (let i = 0; i < 20; i++) await ask(request('a'), 200);
  const before = (await inUse()).heap;
  for (let i = 0; i < count; i++) await ask(request('a'), 200);
  const plain = (await inUse()).heap - before;
  for (let i = 0; i < count; i++) await ask(request(filler(i)), 200);
  expect((await inUse()).heap - before - 2 * plain).toBeLessThan((count * long) / 5);
});

const blanks = ' '.repeat(long);
const allowed = { method: 'GET', target: '/', scheme: 'https', host: 'h', address: '::1', subscriber: '::1' } as const;
const asking = (headers: string[]): AuthRequest => ({ ...allowed, headers, trusted: false, certificate: null });
const user = { name: 'somebody-with-a-name', groups: [], scopes: ['access:services'] };
const jupyterhub = new JupyterHubJudge({
  ask: async () => ({ status: 200, fields: [], body: Buffer.from(JSON.stringify(user)) }),
  apiPath: '/hub/api',
  service: 'panel',
  prefix: '/',
  secret: () => 's3cret',
  cacheMs: 1,
  recheckMs: 1000,
  now: Date.now,
  monotonic: () => performance.now(),
});

test('what is kept to ask the hub again is the token alone, whatever stands before it', async () => {
  const lives: unknown[] = [];
  const keep = async (i: number) => {
    const decision = await jupyterhub.decide(asking(['Authorization', `token ${blanks}a-token-of-the-hub-${i}`]));
    if (decision.is !== 'admitted') throw new Error(decision.is);
    lives.push(decision.life);
  };
  for (let i = 0; i < 20; i++) await keep(i);
  const before = (await inUse()).heap;
  for (let i = 0; i < count; i++) await keep(i);
  expect((await inUse()).heap - before).toBeLessThan((count * long) / 5);
  expect(lives).toHaveLength(20 + count);
});
