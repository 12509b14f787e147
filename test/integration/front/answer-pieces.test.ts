/** Answers in chunks of one byte, as Node's client gets them in the careful lane. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Holding } from '../../../src/admission/memory.ts';
import { AnswerPieces } from '../../../src/front/careful/answer-pieces.ts';
import { RoundBudget, type RoundLimits } from '../../../src/relay/core/round-budget.ts';
import { listen } from '../../helpers/listen.ts';
import { budgetOf } from '../../helpers/memory.ts';

const usual: RoundLimits = { work: 1000, free: 4, waiters: 8 };
const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** A server that says this to each request, and a client of it that gets the answer in pieces. */
async function server(answer: (socket: Socket) => void, limits = usual) {
  const backend = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => answer(socket));
  });
  const port = await listen(backend);
  const budget = new RoundBudget(setImmediate, limits);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => {
    agent.destroy();
    backend.close();
  });
  /** Asks; `counted` is what has come of the answer's body. */
  const ask = async () => {
    const req = request({ port, host: '127.0.0.1', agent });
    const counted = { buffers: 0, text: '' };
    req.on('socket', () => {
      const pieces = AnswerPieces.between(req, budget, new Holding(budgetOf()));
      expect(pieces).not.toBeNull();
      req.on('response', (res) => {
        pieces!.join(res);
        res.on('data', (chunk) => {
          counted.buffers++;
          counted.text += chunk;
        });
      });
    });
    // What stands behind an answer is told as an error, as Node does it.
    req.on('error', () => {});
    req.end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    const ended = res.complete ? Promise.resolve() : once(res, 'end');
    return { res, counted, ended };
  };
  return { ask, budget };
}

/** What came in the round of the event loop in which most came. */
async function mostInARound(counted: { readonly text: string }, ended: Promise<unknown>): Promise<number> {
  let most = 0;
  let before = 0;
  let on = true;
  const look = () => {
    most = Math.max(most, counted.text.length - before);
    before = counted.text.length;
    if (on) setImmediate(look);
  };
  look();
  await ended;
  on = false;
  return most;
}

test('a round parses a bounded number of chunks of one byte, and all of them arrive, whatever ends the answer', async () => {
  const count = 30_000;
  const digits = Array.from({ length: count }, (_, i) => String(i % 10)).join('');
  const chunks = digits.replaceAll(/./g, (digit) => `1\r\n${digit}\r\n`);
  const { ask } = await server((socket) => socket.end(`${head}${chunks}0\r\n\r\n`));
  const { counted, ended } = await ask();
  const most = await mostInARound(counted, ended);
  expect(counted.text === digits).toBe(true);
  // One read of the kernel's has eleven thousand. What goes beyond the budget is a piece.
  expect(most).toBeLessThan(3 * usual.work);
});

test('a round passes a bounded number of bytes on, however few chunks they are', async () => {
  const size = 16 * 1024 * 1024;
  const limits: RoundLimits = { work: 64, free: 4, waiters: 8 };
  const begin = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
  const { ask } = await server((socket) => socket.end(begin + 'x'.repeat(size)), limits);
  const { counted, ended } = await ask();
  const most = await mostInARound(counted, ended);
  expect(counted.text.length).toBe(size);
  // Four reads of 64 KiB; the kernel has 32 of them, and a round takes all that it has.
  expect(most).toBeLessThan(12 * 64 * 1024);
});

test('a reader who stops is waited for, and the rest comes when it goes on', async () => {
  const { ask } = await server((socket) => socket.write(`${head}${'1\r\nx\r\n'.repeat(30_000)}0\r\n\r\n`));
  const { res, counted, ended } = await ask();
  res.pause();
  for (let i = 0; i < 200; i++) await new Promise(setImmediate);
  const held = counted.text.length;
  for (let i = 0; i < 200; i++) await new Promise(setImmediate);
  expect(counted.text.length).toBe(held);
  res.resume();
  await ended;
  expect(counted.text).toHaveLength(30_000);
  // A buffer for each of the bytes would take three hundred times their room.
  expect(counted.buffers).toBeLessThan(30_000 / 50);
});

test('a reader who stops is waited for also where others spend each round', async () => {
  const size = 16 * 1024 * 1024;
  const { ask, budget } = await server((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`),
  );
  let greedy = true;
  const other = {
    onRound() {
      budget.spend(1e6);
      if (greedy) budget.wait(this);
    },
    reset() {},
  };
  budget.wait(other);
  const { res, counted, ended } = await ask();
  res.pause();
  for (let i = 0; i < 300; i++) await new Promise(setImmediate);
  expect(res.readableLength).toBeLessThan(256 * 1024);
  greedy = false;
  res.resume();
  await ended;
  expect(counted.text.length).toBe(size);
});

test('the connection carries the next request, and none behind an answer with something after it', async () => {
  const sockets = new Set<Socket>();
  let after = '';
  const { ask } = await server((socket) => {
    sockets.add(socket);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${after}`);
  });
  for (let i = 0; i < 3; i++) {
    const { counted, ended } = await ask();
    await ended;
    expect(counted.text).toBe('ok');
    await new Promise(setImmediate);
  }
  expect(sockets.size).toBe(1);
  after = 'x'.repeat(10_000);
  const last = await ask();
  last.res.on('error', () => {});
  after = '';
  await expect.poll(() => [...sockets][0]!.destroyed).toBe(true);
  const next = await ask();
  await next.ended;
  expect(next.counted.text).toBe('ok');
  expect(sockets.size).toBe(2);
});
