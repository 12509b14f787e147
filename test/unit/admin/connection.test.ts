import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { AdminConnection } from '../../../src/admin/connection.ts';

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
