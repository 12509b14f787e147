import { expect, test } from 'vitest';
import { refusalHead, switchingBytes } from '../../../src/websocket/answer.ts';

test('the 101 carries our own proof and the end-to-end headers', () => {
  const headers = [
    ...['UPGRADE', 'websocket', 'Connection', 'Upgrade, X-Hop', 'Sec-WebSocket-Accept', 'other', 'X-Hop', '1'],
    ...[
      'Sec-WebSocket-Extensions',
      'x',
      'Content-Length',
      '0',
      'Sec-WebSocket-Protocol',
      'b',
      'Set-Cookie',
      'caf\u00e9=1',
    ],
  ];
  expect(switchingBytes(headers, 'dGhlIHNhbXBsZSBub25jZQ==').toString('latin1')).toBe(
    [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'Sec-WebSocket-Protocol: b',
      'Set-Cookie: caf\u00e9=1',
      '\r\n',
    ].join('\r\n'),
  );
});

test.each([
  [403, ['content-length', '3'], 'length', 'content-length: 3\r\n'],
  [403, ['Transfer-Encoding', 'chunked'], 'chunked', 'Transfer-Encoding: chunked\r\n'],
  [403, [], 'chunked', 'Transfer-Encoding: chunked\r\n'],
  [304, ['ETag', 'x'], 'none', 'ETag: x\r\n'],
  [304, ['Content-Length', '3'], 'none', 'Content-Length: 3\r\n'],
] as const)('the header of a %i with %j frames its body: %s', (status, headers, framing, lines) => {
  const answer = refusalHead({ status, reason: 'Why', headers });
  expect(answer.framing).toBe(framing);
  expect(answer.head.toString()).toBe(`HTTP/1.1 ${status} Why\r\n${lines}Connection: close\r\n\r\n`);
});
