/** What is read of a request that came whole is what Node's server reads of it, which gets all others. */
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type WholeRequest, WholeRequests } from '../../../src/admin/whole-request.ts';
import { expectEqual } from '../../helpers/often.ts';

const maxHeaderSize = 16 * 1024;
const names = ['host', 'authorization', 'origin', 'sec-fetch-site', 'sec-fetch-mode'] as const;

type Read = Pick<WholeRequest, 'method' | 'url' | 'body'> & { readonly headers: Record<string, unknown> };

/** Every request that Node's server finds in some bytes, and whether it took offence at any. */
async function readByNode(bytes: Buffer): Promise<{ readonly requests: Read[]; readonly isBad: boolean }> {
  const found: Promise<Read>[] = [];
  let isBad = false;
  const server = createServer({ maxHeaderSize }, (req, res) => {
    found.push(readBody(req));
    res.end();
  });
  server.on('clientError', () => {
    isBad = true;
  });
  const connection = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  server.emit('connection', connection);
  connection.push(bytes);
  // A turn for the bytes, and those that Node takes to tell of each request and its body.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  connection.destroy();
  return { requests: await Promise.all(found), isBad };
}

async function readBody(req: IncomingMessage): Promise<Read> {
  const parts: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  req.on('data', (part: Buffer) => parts.push(part)).once('end', resolve);
  req.once('error', () => resolve());
  req.once('close', resolve);
  await promise;
  const headers = Object.fromEntries(names.map((name) => [name, req.headers[name]]));
  return { method: req.method as Read['method'], url: req.url!, headers, body: Buffer.concat(parts).toString() };
}

const usual = fc.constantFrom(
  'Authorization: token x',
  'AUTHORIZATION:token y \t',
  'Origin: http://a',
  'Sec-Fetch-Site: cross-site',
  'Connection: close',
  'Connection:Keep-Alive',
  'X: \u00e9',
  'X:',
);
const odd = fc.oneof(
  fc.constantFrom(
    'host: other',
    'Content-Length: 03',
    'Content-Length: +3',
    'Content-Length: 3, 3',
    'Transfer-Encoding: chunked',
    'Connection: authorization',
    'Upgrade: websocket',
    'Expect: 100-continue',
    ' folded',
    'X : y',
  ),
  fc.stringMatching(/^[ -~]{0,20}$/),
  fc.stringMatching(/^[A-Za-z-]{1,10}:[\t -~\u0080-\u00ff]{0,20}$/),
);
const line = fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: odd });
const first = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('POST /a%20b?x HTTP/1.1', 'GET / HTTP/1.1', 'DELETE /a"b HTTP/1.1') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('GET  / HTTP/1.1', 'GET http://h/ HTTP/1.1', 'POST /a HTTP/1.0', 'get / HTTP/1.1'),
  },
);
const end = fc.oneof(
  { weight: 20, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r') },
);
const length = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 1 }) },
);
const text = fc
  .tuple(first, fc.array(fc.tuple(line, end), { maxLength: 4 }), fc.constantFrom('', 'abc', '\u00c3\u00a9x'), length)
  .map(([start, lines, body, off]) => {
    const framing = body === '' && off === 0 ? '' : `Content-Length: ${body.length + off}\r\n`;
    return `${start}\r\nHost: h\r\n${lines.map(([one, ending]) => one + ending).join('')}${framing}\r\n${body}`;
  });

test('one request, the same, and nothing bad', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(text, async (sent) => {
      const bytes = Buffer.from(sent, 'latin1');
      const whole = new WholeRequests(maxHeaderSize, 1000).read(bytes, {});
      if (whole === null) return;
      read++;
      const { method, url, body } = whole;
      const headers = Object.fromEntries(names.map((name) => [name, whole.headers[name]]));
      expectEqual(await readByNode(bytes), { requests: [{ method, url, body, headers }], isBad: false });
    }),
    { numRuns: 2000 },
  );
  expect(read).toBeGreaterThan(300);
});
