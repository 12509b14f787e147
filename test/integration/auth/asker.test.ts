import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Question } from '../../../src/admission/auth/asker.ts';
import { tooMuchInterim } from '../../../src/http/interim.ts';
import { createAsker } from '../../../src/upstream/asker.ts';
import { testConnector } from '../../helpers/connector.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';
import { loopback, noUpstreamTls } from '../../helpers/relay.ts';

const question: Question = { method: 'GET', path: '/auth?x=1', fields: [['Cookie', 's=\xe9']], mostBytes: 1000 };
const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function asker(port: number, timeoutMs = 10_000) {
  const target = loopback(port);
  return createAsker({ target, path: '/', tls: noUpstreamTls }, timeoutMs, testConnector());
}

async function serve(listener: RequestListener): Promise<{ port: number; connections: () => number; server: Server }> {
  let connections = 0;
  const server = createServer(listener).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections, server };
}

async function serveBytes(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
    open.push({ close: () => socket.destroy() });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  return (server.address() as AddressInfo).port;
}

describe('a question', () => {
  test('goes out as it is, comes back whole, and its connection is used again', async () => {
    const seen: unknown[] = [];
    const { port, connections } = await serve((req, res) => {
      seen.push([req.method, req.url, req.rawHeaders]);
      res.writeHead(202, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end('hello');
    });
    const ask = asker(port);
    const answer = await ask(question);
    expect(answer).toMatchObject({ status: 202, body: Buffer.from('hello') });
    if ('fields' in answer) expect(answer.fields.slice(0, 4)).toEqual(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']);
    await ask(question);
    expect(connections()).toBe(1);
    expect(seen[1]).toEqual([
      'GET',
      '/auth?x=1',
      ['Host', `127.0.0.1:${port}`, 'Cookie', 's=\xe9', 'Accept-Encoding', 'identity', 'Connection', 'keep-alive'],
    ]);
  });

  test('is answered by the head of a good answer where that is enough, and its connection is used again', async () => {
    const { port, connections } = await serve((_, res) => res.end('a page'));
    const ask = asker(port);
    for (let i = 0; i < 2; i++) {
      expect(await ask({ ...question, ignoresGoodBody: true })).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    }
    expect(connections()).toBe(1);
  });

  test.each([
    ['longer than it may be', (res: ServerResponse) => res.end('x'.repeat(100_000))],
    [
      'without end',
      (res: ServerResponse) => {
        const pour = () => {
          while (res.write('x'.repeat(1000)));
        };
        res.on('drain', pour);
        pour();
      },
    ],
    ['that breaks off', (res: ServerResponse) => res.write('x', () => res.destroy())],
  ])('is answered by the head of a good answer with a body %s', async (_, send) => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { port } = await serve((req, res) => {
      req.socket.once('close', () => resolve());
      send(res);
    });
    expect(await asker(port)({ ...question, ignoresGoodBody: true })).toMatchObject({ status: 200 });
    await closed;
  });

  test('needs the whole of any other answer', async () => {
    const { port } = await serve((_, res) => res.writeHead(401).end('x'.repeat(100_000)));
    expect(await asker(port)({ ...question, ignoresGoodBody: true })).toEqual({
      problem: 'the answer is longer than 1000 bytes',
    });
  });

  test('may bring a body', async () => {
    const { port } = await serve((req, res) => {
      req.setEncoding('utf8').on('data', (text) => res.end(`${req.headers['content-length']} ${text}`));
    });
    const answer = await asker(port)({ ...question, method: 'POST', body: Buffer.from('code=1') });
    expect(answer).toMatchObject({ body: Buffer.from('6 code=1') });
  });

  test('with a body has a connection of its own', async () => {
    const { port, connections } = await serve((req, res) => {
      req.resume().on('end', () => res.end(req.headers.connection));
    });
    const ask = asker(port);
    const body = Buffer.from('a=1');
    expect(await ask({ ...question, method: 'POST', body })).toMatchObject({ body: Buffer.from('close') });
    await ask(question);
    await ask({ ...question, method: 'POST', body });
    await ask(question);
    expect(connections()).toBe(3);
  });

  test('is asked once more where the service was just closing the connection', async () => {
    let served = 0;
    const port = await serveBytes((socket) => {
      socket.on('data', () => {
        // The second one on a connection gets no answer.
        if (socket.bytesWritten > 0) socket.destroy();
        else socket.write(`HTTP/1.1 204 No Content\r\nX-Number: ${++served}\r\n\r\n`);
      });
    });
    const ask = asker(port);
    expect(await ask(question)).toMatchObject({ status: 204, fields: ['X-Number', '1'] });
    expect(await ask(question)).toMatchObject({ status: 204, fields: ['X-Number', '2'] });
  });
});

describe('no answer', () => {
  test('is what takes too long, and its connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await serveBytes((socket) => socket.resume().on('close', () => closed.resolve()));
    expect(await asker(port, 50)(question)).toEqual({ problem: 'no answer in 50 ms' });
    await closed.promise;
  });

  test('is a body that never ends: it is cut', async () => {
    const closed = Promise.withResolvers<void>();
    const { port } = await serve((_, res) => {
      const block = Buffer.alloc(64 * 1024);
      const pour = () => {
        while (res.write(block));
      };
      res.on('drain', pour).on('close', () => closed.resolve());
      pour();
    });
    expect(await asker(port)(question)).toEqual({ problem: 'the answer is longer than 1000 bytes' });
    await closed.promise;
  });

  test('is a body of tiny chunks: it is cut long before its size is too large', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await serveBytes((socket) => {
      socket.resume().on('close', () => closed.resolve());
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write('1\r\nx\r\n'.repeat(2000));
    });
    const large = { ...question, mostBytes: 1e6 };
    expect(await asker(port)(large)).toEqual({ problem: 'the answer comes in more than 1024 pieces' });
    await closed.promise;
  });

  test('is informational answers without end', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await serveBytes((socket) => {
      socket.on('close', () => closed.resolve()).once('data', () => pour());
      const many = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3000);
      const pour = () => {
        while (!socket.destroyed && socket.write(many));
        socket.once('drain', pour);
      };
    });
    expect(await asker(port)(question)).toEqual({ problem: tooMuchInterim });
    await closed.promise;
  });

  test('is a body that its client could not read', async () => {
    const port = await serveBytes((socket) => {
      const head = 'HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: gzip, chunked\r\n\r\n';
      socket.once('data', () => socket.write(`${head}3\r\nabc\r\n0\r\n\r\n`));
    });
    expect(await asker(port)(question)).toEqual({ problem: 'its body has a transfer coding beside the chunks' });
  });

  test('has no list that takes long to take apart', async () => {
    const { port } = await serve((_req, res) => {
      res.writeHead(401, ['Connection', ','.repeat(60_000), 'Content-Length', '0']).end();
    });
    expect(await asker(port)(question)).toEqual({ problem: 'connection has more than 100 elements' });
  });

  test('is a body that stands still', async () => {
    const { port } = await serve((_, res) => {
      res.writeHead(200, { 'Content-Length': '10' }).write('half');
    });
    expect(await asker(port, 100)(question)).toEqual({ problem: 'no answer in 100 ms' });
  });

  test('is one that breaks off', async () => {
    const port = await serveBytes((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
    });
    expect(await asker(port)(question)).toMatchObject({ problem: expect.any(String) });
  });

  test('is something else than HTTP, or another protocol', async () => {
    for (const bytes of [
      'SSH-2.0-x\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ]) {
      const port = await serveBytes((socket) => socket.once('data', () => socket.write(bytes)));
      expect(await asker(port)(question)).toMatchObject({ problem: expect.any(String) });
    }
  });

  test('is a port where nobody listens', async () => {
    const { port, server } = await serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    expect(await asker(port)(question)).toMatchObject({ problem: expect.stringContaining('ECONNREFUSED') });
  });

  test('is what more ask for than there are connections and turns', async () => {
    const port = await serveBytes((socket) => socket.resume());
    const ask = asker(port, 300);
    const answers = await Promise.all(Array.from({ length: 130 }, () => ask(question)));
    expect(answers.filter((answer) => 'problem' in answer && answer.problem.includes('in use'))).not.toHaveLength(0);
  });
});

test('a mistake of ours in an answer is told, and the question gets none', async () => {
  using mistakes = new HeardMistakes();
  const { port } = await serve((_req, res) => res.end('hello'));
  const usual = Buffer.concat;
  const concat = vi.spyOn(Buffer, 'concat').mockImplementation((list, ...rest) => {
    if (list.some((part) => String(part) === 'hello')) throw new Error('made on purpose');
    return usual(list, ...rest);
  });
  open.push({ close: () => concat.mockRestore() });
  expect(await asker(port)(question)).toEqual({ problem: 'a mistake of our own' });
  expect(mistakes.told).toEqual(['made on purpose']);
});
