/** A socket that was left to whoever listens to its `'data'` is read when that one wants it, however busy the others are. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { SocketReader } from '../../../../src/relay/transport/socket-reader.ts';
import { listen } from '../../../helpers/listen.ts';
import { budgetOf } from '../../../helpers/memory.ts';

async function reader() {
  const server = createServer();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(await listen(server), '127.0.0.1');
  const [socket] = await accepted;
  server.close();
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
  });
  return new SocketReader({ socket, head: Buffer.alloc(0) }, new ReadBuffers(budgetOf()));
}

test('no round reads it on behind its pause', async () => {
  const busy = await reader();
  busy.start({ read: () => {} });
  const left = await reader();
  left.becomeStream();
  const handle = (left.socket as unknown as { _handle: { reading: boolean } })._handle;
  left.socket.on('data', () => {}).resume();
  await once(left.socket, 'resume');
  left.socket.pause();
  // As libuv calls them: a round's bytes are spent, and then comes a read that fills the stream.
  busy.took(8 * 1024 * 1024);
  left.took(64 * 1024);
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  expect(left.socket.readableLength).toBe(64 * 1024);
  expect(handle.reading).toBe(false);
});
