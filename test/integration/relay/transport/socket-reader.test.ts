/**
 * The fast way of reading stands on what Node does not document: here a Node that takes it away is seen. Without it all
 * else works on, at several times the cost.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { SocketReader } from '../../../../src/relay/transport/socket-reader.ts';
import { listen } from '../../../helpers/listen.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { isRead } from '../../../helpers/sockets.ts';

/** Both ends of a connection that has changed its protocol: the sockets that a relay gets. */
async function upgraded(): Promise<{ accepted: Socket; connected: Socket }> {
  const server = createServer();
  const port = await listen(server);
  const upgrade = once(server, 'upgrade') as Promise<[IncomingMessage, Socket, Buffer]>;
  const asked = request({ port, host: '127.0.0.1', headers: { Connection: 'Upgrade', Upgrade: 'websocket' } });
  const answer = once(asked, 'upgrade') as Promise<[IncomingMessage, Socket, Buffer]>;
  asked.end();
  const [, accepted] = await upgrade;
  accepted.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const [, connected] = await answer;
  server.close();
  return { accepted: accepted.pause(), connected: connected.pause() };
}

test.each(['accepted', 'connected'] as const)(
  `Node ${process.versions.node} reads a socket that was %s into buffers of ours`,
  async (which) => {
    const pair = await upgraded();
    const socket = pair[which];
    const other = pair[which === 'accepted' ? 'connected' : 'accepted'];
    const buffers = new ReadBuffers(budgetOf());
    const { promise: read, resolve } = Promise.withResolvers<{ chunk: Buffer; text: string }>();
    const reader = new SocketReader({ socket, head: Buffer.alloc(0) }, buffers);
    reader.start({
      read: (chunk, start, end) => resolve({ chunk, text: chunk.toString('latin1', start, end) }),
    });
    reader.resume();
    other.write('some bytes');
    const { chunk, text } = await read;
    expect(text).toBe('some bytes');
    expect(chunk).toBe(buffers.shared);
    const gone = [reader.socket, other].map((one) => new Promise((resolve) => one.once('close', resolve)));
    other.on('error', () => {}).resume();
    reader.reset();
    await Promise.all(gone);
  },
);

/** A reader, the other end of its connection, what it has read so far, and in which sizes. */
async function reading(): Promise<{ reader: SocketReader; peer: Socket; text: () => string; sizes: number[] }> {
  const { accepted, connected } = await upgraded();
  let text = '';
  const sizes: number[] = [];
  const reader = new SocketReader({ socket: accepted, head: Buffer.alloc(0) }, new ReadBuffers(budgetOf()));
  reader.start({
    read: (chunk, start, end) => {
      text += chunk.toString('latin1', start, end);
      sizes.push(end - start);
    },
  });
  onTestFinished(async () => {
    const gone = [reader.socket, connected].map((one) => new Promise((resolve) => one.once('close', resolve)));
    connected.on('error', () => {}).resume();
    reader.reset();
    await Promise.all(gone);
  });
  return { reader, peer: connected, text: () => text, sizes };
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 50));

test('a halt ends where it began: who was paused before or meanwhile stays so, and who was read is read', async () => {
  const { reader, peer, text } = await reading();
  expect(reader.halt()).toBe(false);
  reader.carryOn();
  expect(isRead(reader.socket)).toBe(false);
  reader.resume();
  await moment();
  expect(reader.halt()).toBe(true);
  reader.pause();
  reader.carryOn();
  expect(isRead(reader.socket)).toBe(false);
  reader.resume();
  expect(reader.halt()).toBe(true);
  // Two who halt it: the first one lets it go on.
  expect(reader.halt()).toBe(false);
  peer.write('some bytes');
  await moment();
  expect(text()).toBe('');
  reader.carryOn();
  await expect.poll(() => text()).toBe('some bytes');
});

test('one that waits for a round can be halted, and its round does not let it go on', async () => {
  const { reader, peer, sizes } = await reading();
  const read = () => sizes.reduce((sum, size) => sum + size, 0);
  const total = 16 * 1024 * 1024;
  reader.resume();
  peer.write(Buffer.alloc(total));
  // In each turn before the waiting go on.
  while (isRead(reader.socket)) await new Promise(setImmediate);
  expect(reader.halt()).toBe(true);
  const before = read();
  expect(before).toBeLessThan(total);
  await moment();
  expect(read()).toBe(before);
  reader.carryOn();
  await expect.poll(read).toBe(total);
});

test('a pause in the same moment as the first resume, which Node forgets, holds from the next read on', async () => {
  const { reader, peer, text } = await reading();
  reader.resume();
  reader.pause();
  peer.write('a');
  await moment();
  peer.write('b');
  await moment();
  expect(text()).not.toContain('b');
  reader.resume();
  await expect.poll(() => text()).toBe('ab');
});

test('no read is larger than it may be, from the first on, and a new bound holds at once', async () => {
  const { reader, peer, text, sizes } = await reading();
  reader.maxReadBytes = 1000;
  peer.write('a'.repeat(2500));
  reader.resume();
  await expect.poll(() => text()).toHaveLength(2500);
  expect(Math.max(...sizes)).toBe(1000);
  sizes.length = 0;
  reader.maxReadBytes = Number.POSITIVE_INFINITY;
  peer.write('b'.repeat(2500));
  await expect.poll(() => text()).toHaveLength(5000);
  expect(Math.max(...sizes)).toBe(2500);
  reader.maxReadBytes = 100;
  peer.write('c'.repeat(250));
  await expect.poll(() => text()).toHaveLength(5250);
  expect(Math.max(...sizes.slice(1))).toBe(100);
});

test('a socket that was left as a stream is read once behind a pause, and all comes when that ends', async () => {
  const { reader, peer, text: before } = await reading();
  reader.resume();
  peer.write('!');
  await expect.poll(() => before()).toBe('!');
  reader.becomeStream();
  const { socket } = reader;
  const sent = 'abcdefghij'.repeat(100);
  for (const byte of sent) {
    peer.write(byte);
    await new Promise(setImmediate);
  }
  expect(socket.isPaused()).toBe(true);
  await expect.poll(() => socket.readableLength).toBeGreaterThan(0);
  // Of many that came one at a time.
  expect(socket.readableLength).toBeLessThan(sent.length / 10);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.resume();
  await expect.poll(() => text).toBe(sent);
});

test('whoever listened to a socket before it was taken over hears nothing more of it', async () => {
  const { accepted } = await upgraded();
  const heard: string[] = [];
  for (const name of ['end', 'error', 'close', 'timeout']) accepted.on(name, () => heard.push(name));
  const reader = new SocketReader({ socket: accepted, head: Buffer.alloc(0) }, new ReadBuffers(budgetOf()));
  const closed = new Promise((resolve) => reader.socket.once('close', resolve));
  accepted.destroy(new Error('broken'));
  await closed;
  expect(heard).toEqual([]);
});

test('of what lies in the kernel a round takes a bounded part from all sockets together, and all of it arrives', async () => {
  const bytes = 3 * 1024 * 1024;
  const buffers = new ReadBuffers(budgetOf());
  let read = 0;
  const { promise: whole, resolve } = Promise.withResolvers<void>();
  const pairs = await Promise.all(Array.from({ length: 24 }, () => upgraded()));
  const readers = pairs.map(({ accepted, connected }) => {
    connected.write(Buffer.alloc(bytes));
    const reader = new SocketReader({ socket: accepted, head: Buffer.alloc(0) }, buffers);
    reader.start({
      read: (_chunk, start, end) => {
        read += end - start;
        if (read === pairs.length * bytes) resolve();
      },
    });
    return reader;
  });
  onTestFinished(() => {
    for (const { accepted, connected } of pairs) for (const one of [accepted, connected]) one.destroy();
  });
  let most = 0;
  let before = 0;
  const look = () => {
    most = Math.max(most, read - before);
    before = read;
    if (read < pairs.length * bytes) setImmediate(look);
  };
  for (const reader of readers) reader.resume();
  look();
  await whole;
  // The budget, and a read of each socket. Without a budget most of the 72 MiB came at once.
  expect(most).toBeLessThan(4 * 1024 * 1024 + (pairs.length + 1) * 256 * 1024);
});
