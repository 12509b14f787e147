import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { outputOf } from '../../../../src/relay/transport/output.ts';
import { listen } from '../../../helpers/listen.ts';
import { tlsPair } from '../../../helpers/tls-pair.ts';

async function pair(): Promise<[Socket, Socket]> {
  const server = createServer();
  const accepted = Promise.withResolvers<Socket>();
  server.on('connection', accepted.resolve);
  const ours = connect(await listen(server), '127.0.0.1');
  const theirs = await accepted.promise;
  if (ours.connecting) await new Promise((resolve) => ours.once('connect', resolve));
  server.close();
  return [ours, theirs];
}

test('this Node lets a plain socket be written to directly', async () => {
  const [ours, theirs] = await pair();
  const output = outputOf(ours, () => {});
  expect(output.constructor.name).toBe('HandleOutput');
  expect(output.write(Buffer.from('hello'))).toBe(true);
  const chunk = await new Promise<Buffer>((resolve) => theirs.once('data', resolve));
  expect(chunk.toString()).toBe('hello');
  ours.destroy();
  theirs.destroy();
});

test.each(['handle', 'stream'])('says when the kernel is full, and when it has taken all (%s)', async (kind) => {
  const [ours, theirs] = await pair();
  theirs.pause();
  const accepted = Promise.withResolvers<void>();
  // A subclass is what TLS looks like from here.
  if (kind === 'stream') Object.defineProperty(ours, 'constructor', { value: class {} });
  const output = outputOf(ours, accepted.resolve);
  const bytes = Buffer.alloc(256 * 1024, 7);
  let sent = bytes.length;
  while (output.write(bytes)) sent += bytes.length;
  // What the kernel has, of the last write too, as far as one can see into it.
  expect(output.handedBytes).toBeLessThanOrEqual(sent);
  expect(output.handedBytes).toBeGreaterThanOrEqual(sent - bytes.length);
  if (kind === 'handle') expect(output.handedBytes).toBeGreaterThan(sent - bytes.length);
  let received = 0;
  theirs.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  theirs.resume();
  await accepted.promise;
  ours.end();
  await new Promise((resolve) => theirs.once('end', resolve));
  expect(received).toBe(sent);
  expect(output.broken).toBe(false);
  theirs.destroy();
});

test('a write to a peer that has reset breaks the output, and leaves the socket to be read', async () => {
  const [ours, theirs] = await pair();
  ours.on('error', () => {});
  ours.pause();
  const output = outputOf(ours, () => {});
  theirs.write('last words');
  await new Promise<void>((resolve) => theirs.end(resolve));
  theirs.resetAndDestroy();
  while (!output.broken) {
    output.write(Buffer.from('x'));
    await new Promise(setImmediate);
  }
  expect(ours.destroyed).toBe(false);
  expect(output.write(Buffer.from('more'))).toBe(true);
  ours.destroy();
});

test.each(['destroy', 'resetAndDestroy'] as const)(
  'a write after %s is dropped, and no fault of the peer',
  async (how) => {
    const [ours, theirs] = await pair();
    theirs.on('error', () => {});
    const output = outputOf(ours, () => {});
    const closed = new Promise((resolve) => ours.once('close', resolve));
    ours[how]();
    expect(output.write(Buffer.from('at once'))).toBe(true);
    await closed;
    await new Promise(setImmediate);
    expect(output.write(Buffer.from('later'))).toBe(true);
    expect(output.broken).toBe(false);
    theirs.destroy();
  },
);

/** The output of a TLS socket, and a write that waits until it is accepted. */
function tlsOutput(socket: Socket) {
  let wake = () => {};
  const output = outputOf(socket, () => wake(), true);
  const write = (bytes: Buffer) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    return output.write(bytes) ? Promise.resolve() : promise;
  };
  return { output, write };
}

test('TLS is written to directly only where it is to be read on', async () => {
  const [theirs, ours] = await tlsPair('connects');
  expect(outputOf(ours, () => {}).constructor.name).toBe('StreamOutput');
  const { output, write } = tlsOutput(ours);
  expect(output.constructor.name).toBe('TlsOutput');
  const said = new Promise<Buffer>((resolve) => theirs.once('data', resolve));
  await write(Buffer.from('hello'));
  expect((await said).toString()).toBe('hello');
  ours.destroy();
  theirs.destroy();
});

test('a write of TLS that is under way when the socket closes is over', async () => {
  const [theirs, ours] = await tlsPair('connects');
  theirs.pause();
  const { write } = tlsOutput(ours);
  const bytes = Buffer.alloc(1024 * 1024);
  let written = false;
  let last = Promise.resolve();
  do {
    written = false;
    last = write(bytes).then(() => {
      written = true;
    });
    // More turns than a write takes that the kernel has room for.
    for (let turn = 0; turn < 1000 && !written; turn++) await new Promise(setImmediate);
  } while (written);
  ours.destroy();
  await last;
  theirs.destroy();
});

test('a stream of TLS outlives a write that failed, as long as nobody else writes to it', async () => {
  const [theirs, ours] = await tlsPair('connects');
  const usual = ours._write;
  const output = outputOf(ours, () => {});
  expect(output.constructor.name).toBe('StreamOutput');
  const { _handle: handle } = theirs as unknown as { _handle: { _parent: { reset(done: () => void): void } } };
  handle._parent.reset(() => theirs.destroy());
  while (!output.broken) {
    output.write(Buffer.from('x'));
    await new Promise(setImmediate);
  }
  expect(ours.destroyed).toBe(false);
  expect(output.write(Buffer.from('more'))).toBe(true);
  output.release!();
  expect(ours._write).toBe(usual);
  ours.destroy();
});
