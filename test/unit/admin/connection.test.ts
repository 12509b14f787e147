import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
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

describe('a request that is answered at once', () => {
  const start = () => {
    const written: string[] = [];
    const socket = new Duplex({
      read() {},
      write(bytes, _encoding, done) {
        written.push(String(bytes));
        done();
      },
    });
    const attached: AdminConnection[] = [];
    const answerWhole = (chunk: Buffer) => {
      const text = String(chunk);
      return text.startsWith('whole') ? { text: `answer to ${text}`, closes: text.endsWith('last') } : null;
    };
    const attach = (one: AdminConnection) => void attached.push(one);
    const connection = new AdminConnection(socket as unknown as Socket, {
      takesBodies: true,
      whole: { answer: answerWhole, attach },
    });
    return { socket, connection, written, attached };
  };
  const turn = () => new Promise(setImmediate);

  test('is not seen by Node’s server, nor is its connection, until one comes that is not', async () => {
    const { socket, connection, written, attached } = start();
    for (const text of ['whole 1', 'whole 2']) {
      socket.push(text);
      await turn();
    }
    expect([written, attached]).toEqual([['answer to whole 1', 'answer to whole 2'], []]);
    socket.push('GET / HTTP/1.1\r\n');
    await turn();
    socket.push('Host: x\r\n\r\n');
    await turn();
    expect([attached, connection.busy]).toEqual([[connection], true]);
    expect(String(connection.read())).toBe('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    // Its answer is out.
    connection.next();
    socket.push('whole 3');
    await turn();
    expect([written.at(-1), attached]).toEqual(['answer to whole 3', [connection]]);
    connection.destroy();
  });

  test.each([
    ['its client says no more', ['whole', null]],
    ['it is said to be the last', ['whole and last', 'whole and behind it']],
    ['nothing has come', [null]],
  ])('is followed by the end where %s', async (_name, pieces) => {
    const { socket, connection, written, attached } = start();
    const ended = once(socket, 'finish');
    for (const piece of pieces) {
      socket.push(piece);
      await turn();
    }
    await ended;
    expect([written, attached]).toEqual([pieces[0] === null ? [] : [`answer to ${pieces[0]}`], []]);
    connection.destroy();
  });

  test('waits for the answer before to be taken, and is read no further meanwhile', async () => {
    const { connection, written } = start();
    connection.destroy();
    const taken: (() => void)[] = [];
    const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => void taken.push(done) });
    const answerWhole = (chunk: Buffer) => {
      written.push(String(chunk));
      return { text: 'answer', closes: false };
    };
    const slow = new AdminConnection(socket as unknown as Socket, {
      takesBodies: true,
      whole: { answer: answerWhole, attach() {} },
    });
    for (const text of ['1', '2', '3']) {
      socket.push(text);
      await turn();
    }
    expect([written, socket.isPaused()]).toEqual([['1'], true]);
    taken.shift()!();
    await turn();
    await turn();
    expect(written).toEqual(['1', '2']);
    slow.destroy();
  });
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
    const connection = new AdminConnection(socket as unknown as ConstructorParameters<typeof AdminConnection>[0], {
      takesBodies: true,
    });
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
