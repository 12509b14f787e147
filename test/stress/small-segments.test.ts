/**
 * Bytes that come one at a time, each as a read of its own, for somebody who takes none of them: Node makes a buffer of
 * each, which takes 280 bytes, and no budget of bytes sees that.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startFront } from '../helpers/front.ts';
import { routeTo } from '../helpers/gateway.ts';
import { inUse } from '../helpers/memory-in-use.ts';
import { handshakeRequest } from '../helpers/raw-client.ts';

/** They would be 8 MB. */
const segments = 30_000;
const MB = 1_000_000;

// An empty line before a request brings it into the careful lane.
const upload = '\r\nPOST /a HTTP/1.1\r\nHost: gateway.test\r\n';
const sized = `${upload}Content-Length: 1000000\r\n\r\n`;

test.each([
  ['of a body', sized, 'x'],
  ['of a body, each a chunk', `${upload}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  ['of a body, behind what is held of it', sized + 'x'.repeat(130_000), 'x'],
  ['of requests behind a request', '\r\nGET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n', '\n'],
  ['behind a handshake', `\r\n${handshakeRequest()}`, 'x'],
  ['behind a handshake and what is held', `\r\n${handshakeRequest()}${'x'.repeat(70_000)}`, 'x'],
])('bytes that come one at a time take little more than themselves: %s', async (_, first, piece) => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await using front = await startFront({
    routes: [routeTo(1)],
    step: () => {
      resolve();
      return new Promise<never>(() => {});
    },
  });
  const socket = connect(front.port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  socket.setNoDelay();
  socket.write(first);
  await asked;
  const before = (await inUse()).all;
  const bytes = Buffer.from(piece);
  for (let i = 0; i < segments; i++) {
    socket.write(bytes);
    await new Promise(setImmediate);
  }
  expect((await inUse()).all - before).toBeLessThan(2 * MB);
  expect(front.front.active + front.front.handshakes).toBe(1);
});
