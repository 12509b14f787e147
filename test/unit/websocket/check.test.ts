import { describe, expect, test } from 'vitest';
import { RawFields } from '../../../src/http/head-fields.ts';
import { acceptOf } from '../../../src/websocket/accept.ts';
import { checkSwitch } from '../../../src/websocket/check.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
/** Headers to add, to replace, or (`null`) to leave out. */
type Changes = Record<string, string | string[] | null>;

const good: Record<string, string | string[]> = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': accept,
};

function check(changes: Changes = {}, offered: string[] = [], httpVersion = '1.1') {
  const headers = Object.entries({ ...good, ...changes }).flatMap(([name, values]) =>
    values === null ? [] : [values].flat().flatMap((value) => [name, value]),
  );
  return checkSwitch({ httpVersion, fields: new RawFields(headers) }, { key, subprotocols: offered });
}

test('the proof is that of RFC 6455 section 1.3', () => {
  expect(acceptOf(key)).toBe(accept);
});

test.each<Changes>([
  {},
  { Upgrade: 'WebSocket' },
  { Connection: 'keep-alive, upgrade' },
  { 'Sec-WebSocket-Extensions': '' },
])('a 101 with %j opens the tunnel', (changes) => {
  expect(check(changes)).toEqual({ subprotocol: null, oddity: null });
});

test('any offered subprotocol may be chosen', () => {
  expect(check({ 'Sec-WebSocket-Protocol': 'b' }, ['a', 'b'])).toEqual({ subprotocol: 'b', oddity: null });
});

test.each([
  ['c', 'c', 'it chose a subprotocol that was not offered'],
  ['A', 'A', 'it chose a subprotocol that was not offered'],
  ['a, b', 'a, b', 'it chose a subprotocol that was not offered'],
  ['', '', 'it chose an empty subprotocol'],
  [['a', 'b'], 'a', 'it chose 2 subprotocols'],
])('the subprotocol %j is for the client to judge', (chosen, subprotocol, oddity) => {
  expect(check({ 'Sec-WebSocket-Protocol': chosen }, ['a', 'b'])).toEqual({ subprotocol, oddity });
});

describe('a 101 opens nothing', () => {
  test.each<Changes>([
    { Upgrade: null },
    { Upgrade: 'h2c' },
    { Connection: null },
    { Connection: 'close' },
    { 'Sec-WebSocket-Accept': null },
    { 'Sec-WebSocket-Accept': accept.toLowerCase() },
    { 'Sec-WebSocket-Accept': [accept, accept] },
    { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
  ])('with %j', (changes) => {
    expect(check(changes, ['a', 'b'])).toHaveProperty('problem');
  });

  test('in HTTP/1.0', () => {
    expect(check({}, [], '1.0')).toEqual({ problem: 'it answers with HTTP/1.0' });
  });
});
