import { expect, test } from 'vitest';
import { ChunkedEnd, HeadEnd } from '../../../src/http/message-end.ts';

/** Where an end is found in a text that comes in pieces of these lengths, the rest in one; -1 for nowhere. */
function found(end: HeadEnd | ChunkedEnd, text: string, ...lengths: number[]): number {
  let from = 0;
  for (const length of [...lengths, text.length]) {
    const piece = Buffer.from(text.slice(from, from + length), 'latin1');
    const at = end.find(piece, 0);
    if (at >= 0) return from + at;
    from += piece.length;
  }
  return -1;
}

const heads = ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /\n\n', 'GET /\r\n\n', 'GET /\n\r\n', '\r\n\r\n'];

test.each(heads)('a head ends behind its blank line, wherever it is split: %j', (head) => {
  const text = `${head}POST /next`;
  expect(found(new HeadEnd(), text)).toBe(head.length);
  for (let at = 1; at < head.length; at++) expect(found(new HeadEnd(), text, at)).toBe(head.length);
  expect(found(new HeadEnd(), head.slice(0, -1))).toBe(-1);
});

test('a CR alone ends no head, and an empty line before the first is no blank line behind it', () => {
  expect(found(new HeadEnd(), 'GET /\r\rX\n\r\rY')).toBe(-1);
  expect(found(new HeadEnd(), '\r\nGET / HTTP/1.1\r\n\r\n')).toBe(20);
});

test('looks from where it is told to', () => {
  expect(new HeadEnd().find(Buffer.from('a\n\nb\n\n'), 3)).toBe(6);
});

const bodies = [
  '0\r\n\r\n',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;x=y\r\n\n\n\n\r\n00\r\n\r\n',
  'A \r\n0123456789\r\n0;last\r\nX: y\r\nZ: w\r\n\r\n',
];

test.each(bodies)('a body in chunks ends behind its trailers, wherever it is split: %j', (body) => {
  const text = `${body}GET /next`;
  expect(found(new ChunkedEnd(), text)).toBe(body.length);
  for (let at = 1; at < body.length; at++) expect(found(new ChunkedEnd(), text, at)).toBe(body.length);
  expect(found(new ChunkedEnd(), body.slice(0, -1))).toBe(-1);
});

test.each([
  ['x\r\n', 1],
  ['\r\n', 1],
  ['3\nabc', 2],
  ['-2\r\n', 1],
  ['fffffffffffffff\r\n', 14],
  ['2\r\nabX', 6],
  ['2\r\nab\n', 6],
  ['2\r\nab\rX', 7],
])('%j breaks the framing at its byte %i', (text, at) => {
  const end = new ChunkedEnd();
  expect(found(end, `${text}more`)).toBe(at);
  expect(end.broken).toBe(true);
});

test('a chunk may be as long as a number tells', () => {
  const end = new ChunkedEnd();
  expect(found(end, '1fffffffffffff\r\n')).toBe(-1);
  expect(end.broken).toBe(false);
});

test('chunks are counted as their sizes come, the last one too', () => {
  const end = new ChunkedEnd();
  end.find(Buffer.from('1\r\na\r\n2'), 0);
  expect(end.chunks).toBe(1);
  end.find(Buffer.from('\r\nbc\r\n0\r\n\r\n'), 0);
  expect(end.chunks).toBe(3);
});
