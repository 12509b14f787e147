/**
 * The same exchanges through both lanes, cut at random: upstreams and clients must get the same. The careful lane is
 * Node's HTTP server and http-proxy; whoever begins a connection with an empty line is there.
 *
 * Where they differ on purpose:
 * - Order: Node puts lines of one name together, and framing and Connection at the end. The fast lane changes no order.
 * - Cookie: Node makes one line of several. The fast lane leaves them as they are.
 * - Connection and Keep-Alive: Node says what HTTP/1.1 means anyway.
 * - Chunks: Node makes its own out of the payload. The fast lane passes them as they came.
 * - Transfer-Encoding in an answer that has no body (to HEAD, 304): it says what another answer would have. Node drops
 *   it.
 * - A coding beside the chunks of an answer (`gzip, chunked`): Node undoes the chunks alone, so that is 502. The fast
 *   lane passes it on (not generated here, see odd-answers.test.ts).
 * - 100, 102 and 103: Node keeps them. The fast lane passes them on (not generated here, see exchange.test.ts).
 * - Expect: Node answers it, the fast lane leaves it to the upstream (not generated here, see exchange.test.ts).
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { HttpReader, type ReadMessage } from '../../helpers/http-reader.ts';
import { listen } from '../../helpers/listen.ts';
import kept from './kept.json' with { type: 'json' };

/** 20 000 take minutes; a part of them finds what there is to be found on an ordinary day. */
const exchanges = Number(process.env.SLUICE_EXCHANGES ?? 600);
const workers = 8;

interface Case {
  readonly request: string;
  readonly method: string;
  readonly answer: string;
  readonly sizes: readonly number[];
}

const name = fc.constantFrom('Accept', 'Cookie', 'cookie', 'X-A', 'x-b', 'X-B', 'Referer', 'X_Y', 'Set-Cookie', 'Via');
const value = fc
  .array(fc.constantFrom('a', 'B', ' ', '\t', ',', '=', '"', '\xe9', '\xff', ';', '%2F', 'chunked', '0'), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));
const lines = fc.array(
  fc.tuple(name, value).map(([n, v]) => `${n}: ${v}`),
  { maxLength: 8 },
);
const hops = fc.constantFrom(
  '',
  'Connection: keep-alive',
  'Connection: x-a',
  'Connection: X-B, keep-alive',
  'TE: trailers',
  'Keep-Alive: timeout=5',
  'X-Forwarded-For: 1.2.3.4',
  'x_forwarded_for: 1.2.3.4',
  'X-Real-IP: 1.2.3.4',
  'Upgrade: h2c',
);
const target = fc
  .array(fc.constantFrom('a', '/', '%2F', '..', '?', 'b=c', '|', '"', ';', '%c3%a9'), { maxLength: 6 })
  .map((parts) => `/${parts.join('')}`);
const payload = fc.array(
  fc.constantFrom('x', '\r\n', '0\r\n\r\n', '\0', '\xff', 'y'.repeat(3000), 'z'.repeat(70_000)),
  {
    maxLength: 4,
  },
);

const extensions = fc.array(fc.constantFrom('', ';a', ';b=c', ';d="e"'), { minLength: 1, maxLength: 4 });

/** A body's lines and bytes: with a length, in chunks, or none. */
const body = fc
  .tuple(fc.constantFrom('none', 'length', 'chunked'), payload, extensions)
  .map(([framing, parts, more]) => {
    if (framing === 'none') return { lines: [], bytes: '' };
    if (framing === 'length') return { lines: [`Content-Length: ${parts.join('').length}`], bytes: parts.join('') };
    const chunks = parts
      .map((part, i) => `${part.length.toString(16)}${more[i % more.length]}\r\n${part}\r\n`)
      .join('');
    return { lines: ['Transfer-Encoding: chunked'], bytes: `${chunks}0\r\n\r\n` };
  });

const withBody = fc.tuple(fc.constantFrom('POST', 'PUT', 'PATCH'), body);
const without = fc.tuple(fc.constantFrom('GET', 'HEAD', 'DELETE', 'OPTIONS'), fc.constant({ lines: [], bytes: '' }));

const status = fc.constantFrom(
  '200 OK',
  '201 Created',
  '204 No Content',
  '304 Not Modified',
  '404 N\xe4 ',
  '500',
  '302 Found',
);

const cases: fc.Arbitrary<Case> = fc
  .record({
    asked: fc.oneof(withBody, without),
    target,
    lines,
    hop: hops,
    status,
    answerLines: lines,
    answerHop: fc.constantFrom('', 'Connection: close', 'Connection: x-a', 'Keep-Alive: timeout=5', 'Upgrade: h2'),
    answerBody: body,
    sizes: fc.array(fc.oneof(fc.constant(1), fc.nat({ max: 60 }), fc.constant(100_000)), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  .map(({ asked: [method, sent], hop, answerHop, answerBody, sizes, ...rest }) => {
    const request = [`${method} ${rest.target} HTTP/1.1`, 'Host: gateway.test', ...rest.lines, hop, ...sent.lines];
    const bodiless = method === 'HEAD' || /^(?:204|304)/.test(rest.status);
    // An answer without framing ends with its connection.
    const closes = !bodiless && answerBody.lines.length === 0 ? ['Connection: close'] : [];
    const framing = rest.status.startsWith('204') ? [] : answerBody.lines;
    const answer = [`HTTP/1.1 ${rest.status}`, 'Date: now', ...rest.answerLines, answerHop, ...framing, ...closes];
    return {
      request: `${request.filter((line) => line !== '').join('\r\n')}\r\n\r\n${sent.bytes}`,
      method,
      answer: `${answer.filter((line) => line !== '').join('\r\n')}\r\n\r\n${bodiless ? '' : answerBody.bytes}`,
      // Single bytes of a large body would take for ever.
      sizes: request.join('').length + sent.bytes.length + answerBody.bytes.length > 5000 ? [97, 40_000] : sizes,
    };
  });

/** Writes bytes in pieces, each in a turn of its own. */
async function send(socket: Socket, text: string, sizes: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length]!);
    socket.write(text.slice(at, at + size), 'latin1');
    at += size;
    await new Promise(setImmediate);
  }
}

/** One exchange as both ends saw it, in a form in which the lanes do not differ. */
interface Seen {
  readonly up: unknown;
  readonly down: unknown;
}

function plain({ startLine, fields, framing, body, trailers }: ReadMessage, kind: 'up' | 'down') {
  const kept = fields.filter(([field]) => field !== 'connection' && field !== 'keep-alive');
  // A request of Node's without a body has no framing, or says that it has none.
  const framed = kept.filter(
    ([field, said]) =>
      !(kind === 'up' && field === 'content-length' && said === '0') &&
      !(kind === 'down' && framing === 'none' && field === 'transfer-encoding'),
  );
  const cookies = kind === 'up' ? framed.filter(([field]) => field === 'cookie').map(([, said]) => said) : [];
  const others = framed.filter(([field]) => field !== 'cookie');
  const joined = cookies.length < 2 ? framed : [...others, ['cookie', cookies.join('; ').trim()] as const];
  return {
    startLine: startLine.trimEnd(),
    fields: joined.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    body,
    trailers,
  };
}

test(`${exchanges} exchanges are the same through both lanes`, { timeout: 120_000 + exchanges * 60 }, async () => {
  const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 2 ** 31);
  // What was found once is tried again.
  const all: Case[] = [...kept, ...fc.sample(cases, { numRuns: exchanges, seed })];
  const waiting = new Map<string, { one: Case; seen: (up: ReadMessage) => void }>();
  const server = createServer((socket) => {
    const reader = new HttpReader(socket);
    void (async () => {
      while (await reader.begins()) {
        const up = await reader.message('request');
        const id = up.fields.find(([field]) => field === 'x-case')![1];
        const { one, seen } = waiting.get(id)!;
        waiting.delete(id);
        seen(up);
        await send(socket, one.answer, one.sizes);
        if (one.answer.includes('\r\nConnection: close\r\n')) socket.end();
      }
    })().catch(() => socket.destroy());
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
  });
  // No clock of Sluice's strikes, however busy the machine is.
  const patienceMs = 600_000;
  const timeouts = { connectMs: patienceMs, headersMs: patienceMs, handshakeMs: patienceMs, closeMs: patienceMs };
  const http = { maxBodyBytes: Number.POSITIVE_INFINITY, inactivityMs: patienceMs, maxUpstreamConnections: 100 };
  await using gateway = await startGateway({ routes: [routeTo(port, { http, timeouts })] });

  /** A client in one lane, with a new connection where the last one has ended. */
  async function* laneOf(prefix: string): AsyncGenerator<{ socket: Socket; reader: HttpReader }, void> {
    for (;;) {
      const socket = connect(gateway.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.setNoDelay();
      socket.write(prefix);
      const reader = new HttpReader(socket);
      while (!socket.readableEnded && !socket.destroyed) yield { socket, reader };
    }
  }

  const lanes = { fast: '', careful: '\r\n' };
  async function through(
    clients: AsyncGenerator<{ socket: Socket; reader: HttpReader }, void>,
    one: Case,
    id: string,
  ): Promise<Seen> {
    const { socket, reader } = (await clients.next()).value!;
    const { promise, resolve } = Promise.withResolvers<ReadMessage>();
    waiting.set(id, { one, seen: resolve });
    const tagged = one.request.replace('\r\n', `\r\nX-Case: ${id}\r\n`);
    await send(socket, tagged, one.sizes);
    const down = await reader.message('response', one.method === 'HEAD');
    const up = await promise;
    if (down.fields.some(([field, said]) => field === 'connection' && said === 'close')) socket.destroy();
    const withoutTag = { ...up, fields: up.fields.filter(([field]) => field !== 'x-case') };
    return { up: plain(withoutTag, 'up'), down: plain(down, 'down') };
  }

  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const fast = laneOf(lanes.fast);
      const careful = laneOf(lanes.careful);
      for (let i = worker; i < all.length; i += workers) {
        const one = all[i]!;
        const about = () => `seed ${seed}, exchange ${i}: ${JSON.stringify(one)}`;
        try {
          const [first, second] = await Promise.all([through(fast, one, `${i}f`), through(careful, one, `${i}c`)]);
          expect(first, about()).toEqual(second);
        } catch (error) {
          throw new Error(about().slice(0, 3000), { cause: error });
        }
      }
      for (const lane of [fast, careful]) (await lane.next()).value?.socket.destroy();
    }),
  );
});
