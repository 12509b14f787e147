import { describe, expect, test } from 'vitest';
import { RawFields } from '../../../src/http/head-fields.ts';
import { valuesOf } from '../../../src/http/raw-fields.ts';
import { asksForWebSocket, validateHandshake } from '../../../src/websocket/validate.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
/** Headers to add, to replace, or (`null`) to leave out. */
type Changes = Record<string, string | string[] | null>;

const good: Record<string, string | string[]> = {
  Host: 'a',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': key,
};

function validate(changes: Changes = {}, method = 'GET', httpVersion = '1.1') {
  const headers = Object.entries({ ...good, ...changes }).flatMap(([name, values]) =>
    values === null ? [] : [values].flat().flatMap((value) => [name, value]),
  );
  return validateHandshake({ method, httpVersion, values: (name) => valuesOf(headers, name) });
}

test.each<Changes>([
  {},
  { Upgrade: 'WebSocket' },
  { Upgrade: 'h2c, websocket' },
  { Connection: 'keep-alive, Upgrade' },
  { Connection: ['keep-alive', 'upgrade'] },
  { 'Content-Length': '0' },
])('%j is a handshake', (changes) => {
  expect(validate(changes)).toEqual({ key, subprotocols: [] });
});

test('keeps the whole list of subprotocols in its order', () => {
  expect(validate({ 'Sec-WebSocket-Protocol': ['bokeh, dG9r==', 'third'] })).toMatchObject({
    subprotocols: ['bokeh', 'dG9r==', 'third'],
  });
});

describe('refuses', () => {
  test.each(['POST', 'HEAD', 'PUT', 'OPTIONS'])('the method %s', (method) => {
    expect(validate({}, method)).toEqual({ outcome: 'method_not_allowed', detail: `the method is ${method}` });
  });

  test.each(['1.0', '2.0'])('HTTP/%s', (version) => {
    expect(validate({}, 'GET', version)).toMatchObject({ outcome: 'bad_request' });
  });

  test.each<Changes>([
    { Upgrade: null },
    { Upgrade: 'h2c' },
    { Upgrade: 'websocket/13' },
    { Connection: null },
    { Connection: 'keep-alive' },
    { 'Content-Length': '5' },
    { 'Content-Length': ['0', '5'] },
    { 'Transfer-Encoding': 'chunked' },
    { 'Transfer-Encoding': 'identity' },
    { 'Sec-WebSocket-Key': null },
    { 'Sec-WebSocket-Key': '' },
    { 'Sec-WebSocket-Key': 'short==' },
    { 'Sec-WebSocket-Key': `${key}=` },
    { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQAA' },
    { 'Sec-WebSocket-Key': [key, key] },
  ])('%j', (changes) => {
    expect(validate(changes)).toMatchObject({ outcome: 'bad_request' });
  });

  test.each(['8', '12', '14', '013', '13, 8', '', null])('version %j', (version) => {
    expect(validate({ 'Sec-WebSocket-Version': version })).toMatchObject({ outcome: 'unsupported_version' });
  });

  test('two versions', () => {
    expect(validate({ 'Sec-WebSocket-Version': ['13', '8'] })).toMatchObject({ outcome: 'unsupported_version' });
  });
});

test.each<[boolean, string[]]>([
  [true, ['Upgrade', 'websocket', 'Sec-WebSocket-Key', 'x']],
  [true, ['upgrade', 'h2c, WebSocket', 'SEC-WEBSOCKET-VERSION', '8']],
  [false, ['Upgrade', 'websocket', 'Connection', 'Upgrade']],
  [false, ['Upgrade', 'websocket', 'Sec-Fetch-Mode', 'websocket']],
  [false, ['Upgrade', 'h2c', 'Sec-WebSocket-Key', 'x']],
  [false, ['Sec-WebSocket-Key', 'x']],
])('a request asks for WebSocket: %s, %j', (expected, headers) => {
  expect(asksForWebSocket(new RawFields(headers))).toBe(expected);
});
