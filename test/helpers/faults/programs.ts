/**
 * What client and upstream say to each other while something breaks: each program is one request and what becomes of
 * it.
 */

import { switching } from '../fake-upstream.ts';
import { clientFrame, closeFrame, frame, parseFrame } from '../frames.ts';
import { handshakeRequest } from '../raw-client.ts';
import type { FaultySocket } from './faulty-socket.ts';

export interface Program {
  readonly name: string;
  /** The head that the client sends, to this host. */
  head(host: string): string;
  /** What it sends behind it. */
  readonly body: string;
  /** About so many bytes go up and come down at the client. */
  readonly up: number;
  readonly down: number;
  /** The status of its answer where nothing breaks. */
  readonly status: number;
  /** What the client does behind its request. */
  read(client: FaultySocket): Promise<void>;
  /** What the upstream does with a request, whose head is this. Whether the connection may carry another. */
  serve(upstream: FaultySocket, head: string): Promise<boolean>;
}

const small = 'x'.repeat(3000);
const big = 'y'.repeat(1_500_000);

function chunked(body: string): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

/** Reads a body, whichever framing it has. */
async function readBody(peer: FaultySocket, head: string): Promise<boolean> {
  const length = /^content-length: *(\d+)\r$/im.exec(head)?.[1];
  if (length !== undefined) return (await peer.bytes(Number(length))) !== null;
  if (!/^transfer-encoding:/im.test(head)) return true;
  for (;;) {
    const line = await peer.until('\r\n');
    if (line === null) return false;
    const size = Number.parseInt(line, 16);
    if ((await peer.bytes(size + 2)) === null) return false;
    if (size === 0) return true;
  }
}

/** Reads an answer to its end, or to the connection's. */
async function readAnswer(client: FaultySocket): Promise<void> {
  const head = await client.until('\r\n\r\n');
  if (head === null) return;
  if (/^(?:content-length|transfer-encoding):/im.test(head)) await readBody(client, head);
  else while (await client.more());
}

/** A program of plain HTTP. `line` is the request line with `HOST` in the place of the host. */
function http(name: string, line: string, body: string, framing: string, answer: string): Program {
  return {
    name,
    head: (host) => `${line.replace('HOST', host)} HTTP/1.1\r\nHost: ${host}\r\n${framing}\r\n`,
    body,
    up: line.length + 60 + framing.length + body.length,
    down: answer.length,
    status: statusOf(answer),
    read: readAnswer,
    async serve(upstream, head) {
      if (!(await readBody(upstream, head))) return false;
      await upstream.send(answer);
      if (/^(?:content-length|transfer-encoding):/im.test(answer) && !/^connection: close/im.test(head)) return true;
      upstream.finish();
      return false;
    },
  };
}

function statusOf(answer: string): number {
  return Number(answer.slice('HTTP/1.1 '.length).split(' ', 1)[0]);
}

function answerOf(body: string, framing = `Content-Length: ${body.length}`, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\n${framing}\r\n\r\n${body}`;
}

const ok = answerOf('ok');
const lengthOf = (body: string) => `Content-Length: ${body.length}\r\n`;
const te = 'Transfer-Encoding: chunked\r\n';

const messages = ['one', 'two'.repeat(100), 'three'.repeat(5000)];

/** An echo of messages, and a clean close from either side. */
function webSocket(name: string, target: string, closes: 'client' | 'upstream'): Program {
  return {
    name,
    head: (host) =>
      handshakeRequest({ path: target.replace('HOST', host), headers: { Host: host, Connection: 'Upgrade' } }),
    body: Buffer.concat([
      ...messages.map((text) => clientFrame(text)),
      ...(closes === 'client' ? [closeFrame(1000, 'bye', { mask: true })] : []),
    ]).toString('latin1'),
    up: 200 + 15_400,
    down: 200 + 15_400,
    status: 101,
    async read(client) {
      if ((await client.until('\r\n\r\n')) === null) return;
      for (;;) {
        const found = parseFrame(client.waiting);
        if (found === null) {
          if (!(await client.more())) return;
          continue;
        }
        await client.bytes(found.size);
        if (found.opcode !== 8) continue;
        if (closes === 'upstream') await client.send(closeFrame(1000, 'bye', { mask: true }));
        return;
      }
    },
    async serve(upstream, head) {
      await upstream.send(switching(head));
      for (let echoed = 0; ; ) {
        const found = parseFrame(upstream.waiting);
        if (found === null) {
          if (!(await upstream.more())) return false;
          continue;
        }
        await upstream.bytes(found.size);
        if (found.opcode < 3) await upstream.send(frame(found.payload, { opcode: found.opcode }));
        if (closes === 'upstream' && ++echoed === messages.length) await upstream.send(closeFrame(1000, 'enough'));
        if (found.opcode !== 8) continue;
        if (closes === 'client') await upstream.send(closeFrame(1000, 'bye'));
        upstream.finish();
        return false;
      }
    },
  };
}

function refusedHandshake(name: string, answer: string, status = statusOf(answer)): Program {
  return {
    ...webSocket(name, '/', 'client'),
    body: '',
    up: 200,
    down: answer.length,
    status,
    read: readAnswer,
    async serve(upstream) {
      await upstream.send(answer);
      upstream.finish();
      return false;
    },
  };
}

/** An absolute target is no strict form: the careful lane serves it. */
const careful = 'http://HOST/';

export const programs: readonly Program[] = [
  http('GET', 'GET /', '', '', answerOf(small)),
  http('GET of chunks', 'GET /', '', '', answerOf(chunked(small), 'Transfer-Encoding: chunked')),
  http('GET until close', 'GET /', '', '', answerOf(small, 'X-Framing: none')),
  http('GET of much', 'GET /', '', '', answerOf(big)),
  http('POST', 'POST /', small, lengthOf(small), ok),
  http('POST of chunks', 'POST /', chunked(small), te, ok),
  http('PUT of much', 'PUT /', big, lengthOf(big), ok),
  {
    ...http('an early answer', 'POST /', big, lengthOf(big), answerOf('no', 'Content-Length: 2', '413 Too Large')),
    async serve(upstream) {
      await upstream.send(answerOf('no', 'Content-Length: 2\r\nConnection: close', '413 Too Large'));
      while (await upstream.more()) await upstream.bytes(upstream.waiting.length);
      upstream.finish();
      return false;
    },
  },
  http('careful GET', `GET ${careful}`, '', '', answerOf(small)),
  http('careful GET until close', `GET ${careful}`, '', '', answerOf(small, 'X-Framing: none')),
  http('careful POST', `POST ${careful}`, small, lengthOf(small), ok),
  http('careful POST of chunks', `POST ${careful}`, chunked(small), te, ok),
  webSocket('WebSocket', '/', 'client'),
  webSocket('WebSocket that the upstream closes', '/', 'upstream'),
  webSocket('careful WebSocket', careful, 'client'),
  refusedHandshake('a refused handshake', answerOf('no', 'Content-Length: 2', '403 Forbidden')),
  refusedHandshake('a handshake with a bad answer', answerOf('hello', 'Content-Length: 5'), 502),
];
