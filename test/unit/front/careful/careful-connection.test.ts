import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { CarefulConnection } from '../../../../src/front/careful/careful-connection.ts';
import type { Connection } from '../../../../src/front/connection.ts';
import { RoundBudget } from '../../../../src/relay/core/round-budget.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';

/** Node's server behind a client whose bytes are handed over, with rounds that end when they are told to. */
function setUp(work: number, mostBytes = Number.POSITIVE_INFINITY) {
  const ends: (() => void)[] = [];
  const budget = new RoundBudget((call) => void ends.push(call), { work, free: 4, waiters: 1 });
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const connection = { socket, waitsFor: null, wait() {}, work() {}, release() {} } as unknown as Connection;
  const memory = new MemoryBudget(mostBytes, () => {});
  const requests: IncomingMessage[] = [];
  const responses: ServerResponse[] = [];
  const seen = { chunks: 0, text: '' };
  const broken: string[] = [];
  const careful = new CarefulConnection(connection, memory, budget, () => ({ headersMs: 0, keepAliveMs: 0 }), {
    request(req, res) {
      requests.push(req);
      responses.push(res);
      req.setEncoding('latin1').on('data', (text: string) => {
        seen.chunks++;
        seen.text += text;
      });
    },
    switched() {},
    broken: ({ code }, answerable) => broken.push(`${code}${answerable ? '' : ', answered'}`),
  });
  const server = createServer((req, res) => careful.found({ kind: 'request', req, res }));
  server.emit('connection', careful.stream);
  const endRound = () => {
    for (const call of ends.splice(0)) call();
  };
  return { careful, socket, memory, requests, responses, seen, broken, endRound };
}

const head = 'PROPFIND / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What Node has read of its streams comes with the end of this round of the event loop. */
const settled = () => new Promise(setImmediate);

test('a body of tiny chunks is parsed over many rounds, and comes whole', async () => {
  const { careful, socket, requests, seen, broken, endRound } = setUp(100);
  const text = Array.from({ length: 5000 }, (_, i) => 'abcdefgh'[i % 8]).join('');
  careful.start(Buffer.from(`${head}${text.replaceAll(/./g, '1\r\n$&\r\n')}0\r\n\r\n`));
  await settled();
  const first = seen.chunks;
  expect(requests).toHaveLength(1);
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(300);
  // Nothing more is read meanwhile.
  expect(socket.isPaused()).toBe(true);
  let rounds = 0;
  for (; !requests[0]!.complete; rounds++) {
    const before = seen.chunks;
    endRound();
    await settled();
    expect(seen.chunks - before).toBeLessThan(300);
  }
  expect(rounds).toBeGreaterThan(10);
  expect(seen.text).toBe(text);
  expect(broken).toEqual([]);
});

const large = 'x'.repeat(4000);

test.each([
  ['in large chunks', head, `${`fa0\r\n${large}\r\n`.repeat(200)}0\r\n\r\n`],
  ['with its length', 'PROPFIND / HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\n', large.repeat(200)],
])('a body %s waits for the rounds that its bytes take', async (_, begin, body) => {
  const { careful, socket, requests, seen, endRound } = setUp(64);
  careful.start(Buffer.from(begin));
  // As Node reads.
  for (let at = 0; at < body.length; at += 65_536) socket.push(body.slice(at, at + 65_536));
  let rounds = 0;
  for (; !requests[0]?.complete; rounds++) {
    const before = seen.text.length;
    await settled();
    await settled();
    expect(seen.text.length - before).toBeLessThan(6 * 65_536);
    endRound();
  }
  await settled();
  expect(rounds).toBeGreaterThan(1);
  expect(seen.text).toBe(large.repeat(200));
});

test.each([
  ['no answer', () => {}, 'HPE_CHUNK'],
  ['half an answer', (res: ServerResponse) => res.write('half'), 'HPE_CHUNK, answered'],
  ['its answer', (res: ServerResponse) => res.end('whole'), 'HPE_CHUNK, answered'],
])('a request whose body breaks when it has %s gets no second one', async (_, answer, told) => {
  const { careful, socket, responses, broken } = setUp(100);
  careful.start(Buffer.from(`${head}1\r\na\r\n`));
  await settled();
  answer(responses[0]!);
  await settled();
  socket.push('!');
  await settled();
  expect(broken).toEqual([told]);
});

test('is read on when less is held than may be, so that its client’s end is seen', async () => {
  const { careful, socket, responses } = setUp(100);
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  // Behind the first request there are 64 KiB, and behind the second not.
  careful.start(Buffer.from(get.repeat(2 + Math.floor((64 * 1024 - 1) / get.length))));
  await expect.poll(() => responses.length).toBe(1);
  expect(socket.isPaused()).toBe(true);
  responses[0]!.end();
  await expect.poll(() => responses.length).toBe(2);
  expect(socket.isPaused()).toBe(false);
});

const trailer = `X: ${'x'.repeat(995)}\r\n`;

test('trailers count for as long as Node keeps them: until their request is answered', async () => {
  const { careful, socket, memory, requests, responses } = setUp(100);
  careful.start(Buffer.from(`${head}1\r\na\r\n0\r\n`));
  await settled();
  expect(memory.usedBytes).toBe(0);
  for (let i = 0; i < 10; i++) socket.push(trailer);
  await expect.poll(() => memory.usedBytes).toBe(2 * 10_000);
  expect(requests[0]!.complete).toBe(false);
  socket.push('\r\n');
  await expect.poll(() => requests[0]!.complete).toBe(true);
  expect(memory.usedBytes).toBe(2 * 10_002);
  responses[0]!.end();
  await expect.poll(() => memory.usedBytes).toBe(0);
});

test('trailers that do not end break their request where memory is short, small ones not', async () => {
  const { careful, socket, memory, broken } = setUp(100, 100_000);
  memory.take(90_000);
  careful.start(Buffer.from(`${head}0\r\n${trailer}`));
  await settled();
  expect(broken).toEqual([]);
  for (let i = 0; i < 4; i++) socket.push(trailer);
  await expect.poll(() => broken).toEqual(['ERR_MEMORY']);
  expect(memory.usedBytes).toBe(90_000);
});
