import { expect, test } from 'vitest';
import { carriesBody, framingFault, isCoded } from '../../../src/http/framing.ts';

const length = ['Content-Length', '3'];
const chunked = ['Transfer-Encoding', 'chunked'];

test.each([
  ['1.1', []],
  ['1.0', []],
  ['1.1', ['Host', 'a', ...length]],
  ['1.0', length],
  ['1.1', chunked],
  ['1.1', ['transfer-encoding', 'CHUNKED']],
  ['1.1', ['X-Content-Lengt', '1', ...length]],
] as const)('HTTP/%s with %j ends where everybody sees it', (version, headers) => {
  expect(framingFault({ version, headers })).toBeNull();
});

test.each([
  ['0.9', [], 'the version is HTTP/0.9'],
  ['2.0', [], 'the version is HTTP/2.0'],
  ['1.2', [], 'the version is HTTP/1.2'],
  ['1.0', chunked, 'Transfer-Encoding in HTTP/1.0'],
  ['1.1', [...length, ...length], 'two Content-Length'],
  ['1.1', [...chunked, ...chunked], 'two Transfer-Encoding'],
  ['1.1', [...length, ...chunked], 'both'],
  ['1.1', [...chunked, 'CONTENT-LENGTH', '3'], 'both'],
  ['1.1', ['Transfer-Encoding', 'gzip, chunked'], 'not just chunked'],
  ['1.1', ['Transfer-Encoding', 'chunked, identity'], 'not just chunked'],
  ['1.1', ['Transfer-Encoding', 'xchunked'], 'not just chunked'],
  ['1.1', ['Transfer-Encoding', '"chunked"'], 'not just chunked'],
] as const)('HTTP/%s with %j is a fault: %s', (version, headers, words) => {
  expect(framingFault({ version, headers })).toContain(words);
});

test.each([
  [{}, false],
  [{ 'content-length': '0' }, false],
  [{ 'content-length': '1' }, true],
  [{ 'transfer-encoding': 'chunked' }, true],
])('%j announces a body: %s', (headers, carries) => {
  expect(carriesBody(headers)).toBe(carries);
});

test.each([
  [undefined, false],
  ['', false],
  ['Chunked ', false],
  ['identity', false],
  ['gzip, chunked', true],
  ['chunked, chunked', true],
  ['gzip', true],
  ['xchunked', true],
])('an answer with the transfer coding %j is coded by more than chunks: %s', (coding, expected) => {
  expect(isCoded(coding === undefined ? {} : { 'transfer-encoding': coding })).toBe(expected);
});
