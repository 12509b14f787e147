import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { AdminConnection } from '../../../src/admin/connection.ts';
import { inUse } from '../../helpers/memory-in-use.ts';

test('of what comes behind a request that is being answered, however small, one piece is read', async () => {
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const connection = new AdminConnection(socket as unknown as ConstructorParameters<typeof AdminConnection>[0]);
  connection.resume();
  socket.push('GET / HTTP/1.1\r\nHost: x\r\n\r\nG');
  await new Promise(setImmediate);
  expect(connection.busy).toBe(true);
  let pieces = 1;
  while (socket.push('x')) pieces++;
  expect(pieces).toBe(1);
  connection.destroy();
});

test('a connection whose last word cannot be sent ends, and nothing else, whoever listens', async () => {
  const write = (_bytes: unknown, _encoding: string, done: (error: Error) => void) => done(new Error('it is reset'));
  const socket = new Duplex({ read() {}, write });
  const connection = new AdminConnection(socket as unknown as ConstructorParameters<typeof AdminConnection>[0]);
  const closed = new Promise((resolve) => connection.once('close', resolve));
  connection.end('HTTP/1.1 405 Method Not Allowed\r\n\r\n');
  await closed;
  expect(connection.destroyed).toBe(true);
});

test('heads that come a byte at a time take no more memory than their bytes', async () => {
  const connections = Array.from({ length: 10 }, () => {
    const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
    const connection = new AdminConnection(socket as unknown as ConstructorParameters<typeof AdminConnection>[0], true);
    connection.resume();
    return { socket, connection };
  });
  await new Promise(setImmediate);
  const before = await inUse();
  for (const { socket } of connections) {
    for (const byte of Buffer.from(`POST /api/routes HTTP/1.1\r\nX: ${'x'.repeat(16_000)}`)) {
      socket.emit('data', Buffer.from([byte]));
    }
  }
  const { all } = await inUse();
  // They were twenty.
  expect(all - before.all).toBeLessThan(4e6);
  for (const { connection } of connections) connection.destroy();
});
