import { expect, test } from 'vitest';
import { elementsOf, endToEnd, hasElement, headerBytes, valuesOf } from '../../../src/http/raw-fields.ts';

const raw = [
  'Host',
  'a',
  'Connection',
  'Upgrade, X-One',
  'CONNECTION',
  ' x-two ,',
  'X-One',
  '1',
  'x-TWO',
  '2',
  'X-Three',
  '3',
];

test('finds every value of a header, whatever its case, and never in a value', () => {
  expect(valuesOf(raw, 'connection')).toEqual(['Upgrade, X-One', ' x-two ,']);
  expect(valuesOf(['X', 'host', 'host', 'b'], 'host')).toEqual(['b']);
});

test('reads a list over all its lines', () => {
  expect(elementsOf(raw, 'connection')).toEqual(['Upgrade', 'X-One', 'x-two']);
  expect(hasElement(valuesOf(raw, 'connection'), 'upgrade')).toBe(true);
  expect(hasElement(valuesOf(raw, 'connection'), 'x')).toBe(false);
});

test('drops hop-by-hop headers and those that Connection names', () => {
  const names = ['TE', 'Trailer', 'Transfer-Encoding', 'Keep-Alive', 'Upgrade', 'Proxy-Connection', 'HTTP2-Settings'];
  expect(endToEnd([...raw, ...names.flatMap((name) => [name, 'x'])])).toEqual([
    ['Host', 'a'],
    ['X-Three', '3'],
  ]);
});

test('keeps what Connection may not name', () => {
  const kept = [
    'Host',
    'Origin',
    'Cookie',
    'Set-Cookie',
    'Authorization',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Protocol',
  ];
  const pairs = endToEnd(['Connection', kept.join(','), ...kept.flatMap((name) => [name, 'x'])]);
  expect(pairs.map(([name]) => name)).toEqual(kept);
});

test('counts a header block as it stands on the wire', () => {
  const block = 'GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n\r\n';
  expect(headerBytes('GET / HTTP/1.1'.length, ['Host', 'a', 'X-One', '1'])).toBe(block.length);
});
