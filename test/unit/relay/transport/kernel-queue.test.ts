import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { KernelReading } from '../../../../src/relay/core/stall.ts';
import { forgetKernelQueues, kernelQueue } from '../../../../src/relay/transport/kernel-queue.ts';
import { hasIpv6 } from '../../../helpers/has-ipv6.ts';

/** Readings are shared for twenty times as long as they took, and a machine may stand still in the middle of one. */
const muchLater = 1e9;
/** Each of these asks so much later that the tables are read again. */
let clock = performance.now();

async function read(socket: Socket): Promise<KernelReading | null> {
  clock += muchLater;
  return ask(socket);
}

async function ask(socket: Socket): Promise<KernelReading | null> {
  for (;;) {
    const queue = kernelQueue(socket, clock);
    if (queue !== 'pending') return queue;
    await new Promise(setImmediate);
  }
}

async function look(socket: Socket): Promise<number | undefined> {
  return (await read(socket))?.bytes;
}

/** A connected pair; `sender` writes to `reader`, which does not read yet. */
async function pair(listenOn: string, connectTo: string): Promise<{ sender: Socket; reader: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, listenOn);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`listens on ${address}`);
  const accepted = once(server, 'connection');
  const reader = connect(address.port, connectTo);
  reader.pause();
  const [sender] = await accepted;
  server.close();
  reader.on('error', () => {});
  onTestFinished(() => {
    reader.destroy();
    sender.destroy();
  });
  return { sender, reader };
}

/** Writes until the kernel takes no more. */
async function fill(sender: Socket): Promise<void> {
  const chunk = Buffer.alloc(1 << 20);
  do {
    sender.write(chunk);
    await new Promise(setImmediate);
  } while (sender.writableLength === 0);
}

describe.runIf(process.platform === 'linux').each([
  { name: 'IPv4', listenOn: '127.0.0.1', connectTo: '127.0.0.1', v6: false },
  { name: 'IPv6', listenOn: '::1', connectTo: '::1', v6: true },
  { name: 'IPv4 on a socket of both', listenOn: '::', connectTo: '127.0.0.1', v6: true },
])('over $name', ({ listenOn, connectTo, v6 }) => {
  test.runIf(!v6 || hasIpv6)('shows what a receiver has not taken, and sees it fall when it reads', async () => {
    const { sender, reader } = await pair(listenOn, connectTo);
    expect(await look(sender)).toBe(0);
    await fill(sender);
    const full = (await look(sender))!;
    expect(full).toBeGreaterThan(0);
    let received = 0;
    reader.on('data', (chunk) => {
      received += chunk.length;
    });
    reader.resume();
    const total = sender.bytesWritten;
    while (received < total) await once(reader, 'data');
    // The last bytes are acknowledged some time after they have been read.
    let left = await look(sender);
    while (left !== 0) {
      expect(left).toBeLessThan(full);
      await new Promise(setImmediate);
      left = await look(sender);
    }
  });

  test.runIf(!v6 || hasIpv6)('tells two connections apart', async () => {
    const one = await pair(listenOn, connectTo);
    const two = await pair(listenOn, connectTo);
    await fill(one.sender);
    expect(await look(one.sender)).toBeGreaterThan(0);
    expect(await look(two.sender)).toBe(0);
    // The other end of the very same connection has sent nothing.
    expect(await look(one.reader)).toBe(0);
  });
});

test('knows nothing of a socket that is not connected', async () => {
  expect(await read(new Socket())).toBeNull();
});

test.runIf(process.platform === 'linux')('asks again for a socket that is younger than the reading', async () => {
  const old = await pair('127.0.0.1', '127.0.0.1');
  await read(old.sender);
  const { sender } = await pair('127.0.0.1', '127.0.0.1');
  await fill(sender);
  expect(kernelQueue(sender, clock + 1)).toBe('pending');
  expect(await look(sender)).toBeGreaterThan(0);
});

test.runIf(process.platform === 'linux')('knows nothing of a socket that later readings lack too', async () => {
  const { sender } = await pair('127.0.0.1', '127.0.0.1');
  const gone = { localAddress: '127.0.0.9', localPort: 9, remoteAddress: '127.0.0.9', remotePort: 9 } as Socket;
  await read(sender);
  expect(kernelQueue(gone, clock + 1)).toBe('pending');
  expect(await read(gone)).toBeNull();
  // What is known of it needs no further reading.
  expect(kernelQueue(gone, clock + 1)).toBeNull();
});

test.runIf(process.platform === 'linux')('reads the tables once for all who ask at about the same time', async () => {
  const { sender } = await pair('127.0.0.1', '127.0.0.1');
  const before = await read(sender);
  await fill(sender);
  expect(kernelQueue(sender, clock)).toEqual(before);
  expect(kernelQueue(sender, clock + 400)).toEqual(before);
  clock += muchLater;
  expect(kernelQueue(sender, clock)).toBe('pending');
  const after = (await ask(sender))!;
  expect(after.bytes).toBeGreaterThan(0);
  expect(after.at).toBe(clock);
  // It is kept as long as it holds, and no longer.
  forgetKernelQueues(clock);
  expect(kernelQueue(sender, clock)).toEqual(after);
  forgetKernelQueues(clock + muchLater);
  expect(kernelQueue(sender, clock)).toBe('pending');
});
