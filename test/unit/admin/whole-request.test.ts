import { expect, test } from 'vitest';
import { WholeRequests } from '../../../src/admin/whole-request.ts';

const socket = { remoteAddress: '127.0.0.1' };
const [maxHead, maxBody] = [400, 100];
const head = (fields = '', line = 'POST /api/routes/%C3%BC HTTP/1.1') => `${line}\r\nHost: h\r\n${fields}\r\n`;
const read = (requests: WholeRequests, text: string) => requests.read(Buffer.from(text), socket);

test('a request that came whole is read, its body as UTF-8', () => {
  const requests = new WholeRequests(maxHead, maxBody);
  const fields = 'AUTHORIZATION:  token x \r\nX-Other: y\r\nSec-Fetch-Site: none\r\nContent-Length: 7\r\n';
  expect(read(requests, `${head(fields)}{"é":1}`)).toBeNull();
  expect(read(requests, `${head(fields)}{"é":}`)).toEqual({
    method: 'POST',
    url: '/api/routes/%C3%BC',
    headers: { host: 'h', authorization: 'token x', 'sec-fetch-site': 'none' },
    socket,
    body: '{"é":}',
    closes: false,
  });
  expect(read(requests, head('Connection: close\r\n'))).toMatchObject({ body: '', closes: true });
  expect(read(requests, head('Connection: keep-alive\r\n'))).toMatchObject({ closes: false });
});

test.each([
  ['less than its head', head().slice(0, -1)],
  ['less than its body', `${head('Content-Length: 2\r\n')}x`],
  ['more than itself', `${head('Content-Length: 2\r\n')}xyz`],
  ['another behind it', head() + head()],
  ['a blank line before it', `\r\n${head()}`],
  ['a body in chunks', `${head('Transfer-Encoding: chunked\r\n')}0\r\n\r\n`],
  ['a question before its body', head('Expect: 100-continue\r\n')],
  ['an upgrade', head('Connection: upgrade\r\nUpgrade: websocket\r\n')],
  ['a field of this connection alone', head('Connection: authorization\r\nAuthorization: token x\r\n')],
  ['two tokens', head('Authorization: token x\r\nAuthorization: token y\r\n')],
  ['two origins', head('Origin: http://a\r\nOrigin: http://b\r\n')],
  ['two hosts', head('Host: i\r\n')],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['an older version', head('', 'GET / HTTP/1.0')],
  ['a whole URL', head('', 'GET http://h/api/routes HTTP/1.1')],
  ['a method of its own', head('', 'FETCH / HTTP/1.1')],
  ['a field in two lines', head('Authorization: token\r\n x\r\n')],
  ['a long head', head(`X: ${'x'.repeat(maxHead)}\r\n`)],
  ['a long body', `${head(`Content-Length: ${maxBody + 1}\r\n`)}${'x'.repeat(maxBody + 1)}`],
  ['no HTTP', '\x16\x03\x01\x02\x00'],
])('%s is left to others, and what comes next is read', (_name, text) => {
  const requests = new WholeRequests(maxHead, maxBody);
  expect(read(requests, text)).toBeNull();
  expect(read(requests, head())).toMatchObject({ url: '/api/routes/%C3%BC' });
});
