import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { EarlyBytes } from '../../../../src/front/careful/early-bytes.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { listen } from '../../../helpers/listen.ts';

/** Both ends of a connection; the first one is paused. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true });
  const client = connect(await listen(server), '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return [socket, client];
}

const unbounded = () => new MemoryBudget(Number.POSITIVE_INFINITY, () => {});

test('bytes that come one at a time are held in one buffer, and counted', async () => {
  const [socket, client] = await pair();
  const memory = unbounded();
  const early = new EarlyBytes(socket, Buffer.from('he'), memory, () => {});
  expect(memory.usedBytes).toBe(1024);
  for (const byte of 'llo'.repeat(1000)) {
    client.write(byte);
    await once(socket, 'data');
  }
  expect(memory.usedBytes).toBe(4096);
  expect(early.take().toString()).toBe(`he${'llo'.repeat(1000)}`);
  expect(memory.usedBytes).toBe(0);
});

test('holds no more than one read beyond 64 KiB, and counts what the paused socket may hold', async () => {
  const [socket, client] = await pair();
  const memory = unbounded();
  const early = new EarlyBytes(socket, Buffer.alloc(0), memory, () => {});
  client.write(Buffer.alloc(4 << 20, 'x'));
  await expect.poll(() => socket.isPaused()).toBe(true);
  const held = early.take();
  expect(held.length).toBeGreaterThanOrEqual(65_536);
  expect(held.length).toBeLessThan(2 * 65_536);
});

test('where memory is short, one read is all that is held', async () => {
  const [socket, client] = await pair();
  const memory = new MemoryBudget(100, () => {});
  memory.take(90);
  new EarlyBytes(socket, Buffer.alloc(0), memory, () => {});
  client.write('x');
  await expect.poll(() => socket.isPaused()).toBe(true);
});

test('a client that leaves is noticed', async () => {
  const [socket, client] = await pair();
  const gone = Promise.withResolvers<void>();
  new EarlyBytes(socket, Buffer.alloc(0), unbounded(), gone.resolve);
  client.end();
  await gone.promise;
});
