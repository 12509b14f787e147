/**
 * TLS in records of one byte: each costs Node as much as one of 16 KiB, and whoever sends them must not keep the others
 * waiting, nor hold more memory than is counted.
 */
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { mostChanges } from '../../../../src/relay/transport/key-changes.ts';
import { SocketReader } from '../../../../src/relay/transport/socket-reader.ts';
import { recordsPerRound } from '../../../../src/relay/transport/tls-records.ts';
import { listen } from '../../../helpers/listen.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { cert, key } from '../../../helpers/test-certificate.ts';
import { RecordClient } from '../../../helpers/tls-records.ts';

/** What the kernel gives in one read holds so many records of one byte at most. */
const inOneRead = Math.ceil((64 * 1024) / 23);

/** A reader over TLS that was accepted, its client, and what is read in which sizes. */
async function reading() {
  const server = createServer({ cert, key, allowHalfOpen: true });
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const port = await listen(server);
  const client = await RecordClient.connect(port);
  const [socket] = await accepted;
  server.close();
  const buffers = new ReadBuffers(budgetOf());
  const reader = new SocketReader({ socket, head: Buffer.alloc(0) }, buffers);
  const sizes: number[] = [];
  const chunks: Buffer[] = [];
  reader.start({
    read: (chunk, start, end) => {
      sizes.push(end - start);
      chunks.push(Buffer.from(chunk.subarray(start, end)));
    },
  });
  onTestFinished(() => {
    client.tcp.destroy();
    socket.destroy();
  });
  return { reader, client, socket, sizes, bytes: () => Buffer.concat(chunks) };
}

/** Counts what comes in each round of the event loop, until it is stopped. */
function countRounds(total: () => number): { readonly most: () => number; stop(): void } {
  let most = 0;
  let before = total();
  let on = true;
  const look = () => {
    most = Math.max(most, total() - before);
    before = total();
    if (on) setImmediate(look);
  };
  setImmediate(look);
  return { most: () => most, stop: () => (on = false) };
}

const pattern = (length: number) => Buffer.from(Array.from({ length }, (_, i) => i % 251));

describe('records of one byte', () => {
  test('are few reads, in their order, and no round takes more of them than one read of the kernel', async () => {
    const { reader, client, sizes, bytes } = await reading();
    const sent = pattern(60_000);
    client.tcp.write(client.records(sent));
    const rounds = countRounds(() => sizes.reduce((sum, size) => sum + size, 0));
    reader.resume();
    await expect.poll(() => bytes()).toHaveLength(sent.length);
    rounds.stop();
    expect(bytes().equals(sent)).toBe(true);
    expect(sizes.length).toBeLessThan(sent.length / 20);
    // What is read in a round is passed on at its end, and what that began with.
    expect(rounds.most()).toBeLessThan(2 * inOneRead);
  });

  test('that come now and then are passed on as they come', async () => {
    const { reader, client, sizes } = await reading();
    reader.resume();
    for (let i = 1; i <= 3; i++) {
      client.tcp.write(client.records(Buffer.from('ab')));
      await expect.poll(() => sizes).toEqual(Array(2 * i).fill(1));
    }
  });

  test('of many clients share the rounds', async () => {
    const all = await Promise.all(Array.from({ length: 16 }, reading));
    const sent = pattern(12_000);
    const batches = all.map(({ client }) => client.records(sent));
    for (const [i, { client }] of all.entries()) client.tcp.write(batches[i]!);
    // The kernel has them all when reading begins.
    await expect.poll(() => all.every(({ client }) => client.tcp.writableLength === 0)).toBe(true);
    const total = () => all.reduce((sum, { sizes }) => sum + sizes.reduce((a, b) => a + b, 0), 0);
    const later: number[] = [];
    let before = 0;
    const look = () => {
      const now = total();
      if (now > before) later.push(now - before);
      before = now;
      if (now < all.length * sent.length) setImmediate(look);
    };
    for (const { reader } of all) reader.resume();
    look();
    await expect.poll(() => total()).toBe(all.length * sent.length);
    for (const { bytes } of all) expect(bytes().equals(sent)).toBe(true);
    // Who brings how many is known after the first round: what that passed on at once and at its end is all of theirs.
    // From then on a few are read in each.
    expect(Math.max(...later.slice(2))).toBeLessThan(2 * (recordsPerRound.waiters + 1) * inOneRead);
  });

  test('are not read on behind a pause, and come when it ends', async () => {
    const { reader, client, socket, bytes } = await reading();
    const sent = pattern(60_000);
    const records = client.records(sent);
    reader.resume();
    client.tcp.write(records.subarray(0, 23));
    await expect.poll(() => bytes()).toHaveLength(1);
    reader.pause();
    const { bytesWritten } = client.tcp;
    client.tcp.write(records.subarray(23));
    // The kernels' buffers are full, or have it all: whoever read on would have read by now.
    await expect.poll(() => client.tcp.bytesWritten).toBeGreaterThan(bytesWritten);
    for (let i = 0; i < 100; i++) await new Promise(setImmediate);
    expect(bytes()).toHaveLength(1);
    expect(socket.readableLength).toBeLessThanOrEqual(inOneRead);
    reader.resume();
    await expect.poll(() => bytes()).toHaveLength(sent.length);
    expect(bytes().equals(sent)).toBe(true);
  });

  test('stand before the end that comes behind them', async () => {
    const { reader, client, socket, bytes } = await reading();
    const ended = once(socket, 'end');
    const sent = pattern(5000);
    client.tcp.end(client.records(sent));
    reader.resume();
    await ended;
    expect(bytes().equals(sent)).toBe(true);
  });
});

test('large and small records between pauses come whole and in order', async () => {
  const { reader, client, bytes } = await reading();
  const sent = pattern(400_000);
  const records: Buffer[] = [];
  for (let at = 0, i = 0; at < sent.length; i++) {
    const size = [1, 1, 1, 9000, 1, 700, 16_000][i % 7]!;
    records.push(client.record(sent.subarray(at, at + size)));
    at += size;
  }
  client.tcp.write(Buffer.concat(records));
  reader.resume();
  let looks = 0;
  while (bytes().length < sent.length) {
    reader.pause();
    await new Promise(setImmediate);
    reader.resume();
    // With a halt between, which is no pause.
    if (looks++ % 3 === 0 && reader.halt()) setImmediate(() => reader.carryOn());
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  expect(bytes().equals(sent)).toBe(true);
});

test('a halt holds over TLS too: nothing is read until it ends', async () => {
  const { reader, client, bytes } = await reading();
  reader.resume();
  client.tcp.write(client.record(Buffer.from('a')));
  await expect.poll(() => bytes().toString()).toBe('a');
  expect(reader.halt()).toBe(true);
  expect(reader.halt()).toBe(false);
  client.tcp.write(client.record(Buffer.from('b')));
  for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  expect(bytes().toString()).toBe('a');
  reader.carryOn();
  await expect.poll(() => bytes().toString()).toBe('ab');
});

test('a few bytes that are kept do not keep the room for many', async () => {
  const { reader, client, bytes } = await reading();
  const kept: { length: number; room: number }[] = [];
  reader.start({ read: (chunk) => kept.push({ length: chunk.length, room: chunk.buffer.byteLength }) });
  client.tcp.write(client.records(pattern(20)));
  reader.resume();
  await expect.poll(() => kept.reduce((sum, { length }) => sum + length, 0)).toBe(20);
  for (const { length, room } of kept) expect(room).toBeLessThanOrEqual(2 * length);
  expect(bytes()).toHaveLength(0);
});

test('a socket that was left as a stream is read once behind a pause, and all comes when that ends', async () => {
  const { reader, client, socket, bytes } = await reading();
  reader.resume();
  client.tcp.write(client.record(Buffer.from('!')));
  await expect.poll(() => bytes().toString()).toBe('!');
  reader.becomeStream();
  const sent = pattern(1000);
  for (const byte of sent) {
    client.tcp.write(client.record(Buffer.from([byte])));
    await new Promise(setImmediate);
  }
  expect(socket.isPaused()).toBe(true);
  await expect.poll(() => socket.readableLength).toBeGreaterThan(0);
  // Of many that came one at a time.
  expect(socket.readableLength).toBeLessThan(sent.length / 10);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
  await expect.poll(() => Buffer.concat(chunks).equals(sent)).toBe(true);
});

test('what a server answers in records of one byte is few reads as well', async () => {
  const server = createServer({ cert, key });
  const port = await listen(server);
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
  await once(socket, 'secureConnect');
  const [end] = await accepted;
  server.close();
  end.on('error', () => {});
  socket.on('error', () => {});
  onTestFinished(() => {
    end.destroy();
    socket.destroy();
  });
  const reader = new SocketReader({ socket, head: Buffer.alloc(0) }, new ReadBuffers(budgetOf()));
  let reads = 0;
  let bytes = 0;
  reader.start({
    read: (_, from, to) => {
      reads++;
      bytes += to - from;
    },
  });
  const count = 3000;
  for (let i = 0; i < count; i++) await new Promise((written) => end.write('x', written));
  reader.resume();
  await expect.poll(() => bytes).toBe(count);
  expect(reads).toBeLessThan(count / 20);
});

describe('changes of keys', () => {
  const updates = (client: RecordClient, count: number, asks: boolean) =>
    Buffer.concat(Array.from({ length: count }, () => client.keyUpdate(asks)));

  test.each([
    ['of its own', false],
    ['of both sides', true],
  ])('without end, %s, make us hang up within a read of the kernel', async (_, asks) => {
    const { reader, client, socket } = await reading();
    const failed = once(socket, 'error');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const flood = updates(client, 20_000, asks);
    const { _parent: tcp } = (socket as unknown as { _handle: { _parent: { bytesRead: number } } })._handle;
    const before = tcp.bytesRead;
    reader.resume();
    client.tcp.write(flood);
    const [error] = await failed;
    await closed;
    expect(error.message).toBe('the peer changes its TLS keys without end');
    expect(flood.length).toBeGreaterThan(500_000);
    expect(tcp.bytesRead - before).toBeLessThan(150_000);
  });

  test('as many as anybody needs are none of our business', async () => {
    const { reader, client, socket, bytes } = await reading();
    reader.resume();
    client.tcp.write(Buffer.concat([updates(client, mostChanges, false), client.record(Buffer.from('a'))]));
    await expect.poll(() => bytes().toString()).toBe('a');
    expect(socket.destroyed).toBe(false);
  });
});

test('a connection whose TLS breaks ends behind what came before, though its peer stays on', async () => {
  const { reader, client, socket, bytes } = await reading();
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  reader.resume();
  // No library accepts a record that is no record.
  client.tcp.write(Buffer.concat([client.records(Buffer.from('a'.repeat(100))), Buffer.alloc(100, 'x')]));
  await closed;
  expect(bytes().toString()).toBe('a'.repeat(100));
});

test('nor is what waits for a reader that is paused thrown away', async () => {
  const { reader, client, socket, bytes } = await reading();
  const broken = new Promise((resolve) => socket.once('error', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // Behind the first record, in the middle of the kernel's read.
  socket.once('data', () => reader.pause());
  reader.resume();
  client.tcp.write(Buffer.concat([client.records(Buffer.alloc(6000, 'a'), 2000), Buffer.alloc(100, 'x')]));
  await broken;
  expect(socket.readableLength).toBe(4000);
  await new Promise(setImmediate);
  reader.resume();
  await closed;
  expect(bytes().toString()).toBe('a'.repeat(6000));
});
