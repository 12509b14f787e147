/** Requests that say in a rare form where their body ends: the backend hears of it in the usual one. */
import { expect, test } from 'vitest';
import { fakeUpstream, headersOf } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

test.each([
  ['Transfer-Encoding:\tchunked', 'Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding: CHUNKED', 'Transfer-Encoding', 'chunked'],
  ['Content-Length:\t0010', 'Content-Length', '10'],
  ['Content-Length: 010', 'Content-Length', '10'],
  ['Content-Length: \t10', 'Content-Length', '10'],
])('%j', async (line, name, value) => {
  await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  client.sendText(`POST / HTTP/1.1\r\nHost: gateway.test\r\n${line}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
  const { request } = await upstream.next();
  expect(request.split('\r\n').filter((one) => one.startsWith(`${name}:`))).toEqual([`${name}: ${value}`]);
  expect(headersOf(request, name)).toEqual([value]);
});
