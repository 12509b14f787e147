import { describe, expect, test } from 'vitest';
import { BodyEvent, BodyParser } from '../../../../src/http/wire/body-parser.ts';
import { readBody } from '../../../helpers/head-events.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const byByte = (text: string) => [...bytes(text)].map((byte) => Buffer.from([byte]));
const chunked = (text: string, limit?: number) => readBody('chunked', -1, [bytes(text)], limit);
const chunkedByByte = (text: string, limit?: number) => readBody('chunked', -1, byByte(text), limit);

describe('a body with a length', () => {
  test('passes so many bytes', () => {
    const whole = { passed: 'hello', event: 'end', payloadBytes: 5, announced: 5, rest: 'next' };
    expect(readBody('length', 5, [bytes('hellonext')])).toMatchObject(whole);
    expect(readBody('length', 5, byByte('hellonext'))).toMatchObject(whole);
    expect(readBody('length', 5, [bytes('hell')])).toMatchObject({ passed: 'hell', event: 'starved', payloadBytes: 4 });
  });
});

describe('a body that ends with its connection', () => {
  test('passes everything', () => {
    expect(readBody('close', -1, byByte('all of it'))).toMatchObject({
      passed: 'all of it',
      event: 'starved',
      payloadBytes: 9,
    });
  });
});

test('where there is no body, nothing is read', () => {
  expect(readBody('none', -1, [bytes('next')])).toMatchObject({ passed: '', event: 'end', rest: 'next' });
});

describe('chunks', () => {
  test('pass as they came, in one span', () => {
    const text = '5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n';
    const parser = new BodyParser();
    parser.begin('chunked', -1, 15);
    const chunk = bytes(`${text}next`);
    parser.feed(chunk, 0, chunk.length);
    expect(parser.next()).toBe(BodyEvent.pass);
    expect([parser.bytes, parser.spanStart, parser.spanEnd]).toEqual([chunk, 0, text.length]);
    expect(parser.complete).toBe(true);
    expect(parser.next()).toBe(BodyEvent.end);
    expect([parser.position, parser.payloadBytes, parser.announced]).toEqual([text.length, 15, 15]);
  });

  test('pass as they came, byte for byte', () => {
    const text = '5\r\nhello\r\n00aB\r\n'.replace('00aB', '00a');
    const whole = `${text}0123456789\r\n000\r\n\r\n`;
    expect(chunkedByByte(`${whole}next`)).toEqual(chunked(`${whole}next`));
    expect(chunked(`${whole}next`)).toMatchObject({ passed: whole, event: 'end', payloadBytes: 15, rest: 'next' });
  });

  test('pass without their extensions', () => {
    const text = '5;a=b;c="d e"\r\nhello\r\n0;last\r\n\r\n';
    const seen = { passed: '5\r\nhello\r\n0\r\n\r\n', event: 'end', payloadBytes: 5 };
    expect(chunked(text)).toMatchObject(seen);
    expect(chunkedByByte(text)).toMatchObject(seen);
  });

  test('stop before their trailers', () => {
    const text = '1\r\na\r\n0\r\nX: y\r\n\r\nnext';
    const seen = { passed: '1\r\na\r\n0\r\n', event: 'trailers', rest: 'X: y\r\n\r\nnext' };
    expect(chunked(text)).toMatchObject(seen);
    expect(chunkedByByte(text)).toMatchObject(seen);
    const parser = new BodyParser();
    parser.begin('chunked', -1, 1);
    parser.feed(bytes(text), 0, text.length);
    while (parser.next() !== BodyEvent.trailers);
    parser.endTrailers(text.length - 4);
    expect(parser.next()).toBe(BodyEvent.end);
    expect([parser.complete, parser.position]).toEqual([true, text.length - 4]);
  });

  test('are over the limit at the size that crosses it, and nothing of that chunk has passed', () => {
    const text = '5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n';
    expect(chunked(text, 11)).toMatchObject({ passed: text, event: 'end', payloadBytes: 11 });
    const over = { passed: '5\r\nhello\r\n', event: 'over', payloadBytes: 5, announced: 11 };
    expect(chunked(text, 10)).toMatchObject(over);
    expect(chunkedByByte(text, 10)).toMatchObject(over);
    expect(chunked('b\r\n', 10)).toMatchObject({ passed: '', event: 'over', announced: 11 });
    expect(chunked('b;x\r\n', 10)).toMatchObject({ passed: '', event: 'over', announced: 11 });
  });

  test('are read on beyond the limit where nobody wants them', () => {
    for (const chunk of [bytes('6\r\nworld!\r\n0\r\n\r\nnext'), bytes('6;x\r\nworld!\r\n0\r\n\r\nnext')]) {
      const parser = new BodyParser();
      parser.begin('chunked', -1, 5);
      parser.feed(chunk, 0, chunk.length);
      expect(parser.next()).toBe(BodyEvent.over);
      parser.ignoreLimit();
      while (parser.next() !== BodyEvent.end);
      expect([parser.position, parser.payloadBytes]).toEqual([chunk.length - 4, 6]);
    }
    const before = new BodyParser();
    before.begin('chunked', -1, 5);
    before.ignoreLimit();
    before.feed(bytes('6\r\n'), 0, 3);
    expect([before.next(), before.next()]).toEqual([BodyEvent.pass, BodyEvent.starved]);
  });

  test('may have sizes up to 2^53 − 1', () => {
    expect(chunked('001fffffffffffff\r\n')).toMatchObject({ event: 'starved', announced: Number.MAX_SAFE_INTEGER });
  });

  test.each([
    ['no size', '\r\n'],
    ['a size with a sign', '+5\r\nhello\r\n'],
    ['a size with 0x', '0x5\r\nhello\r\n'],
    ['a space before the size', ' 5\r\nhello\r\n'],
    ['a space behind the size', '5 \r\nhello\r\n'],
    ['a bare line feed behind the size', '5\nhello\r\n'],
    ['a bare carriage return behind the size', '5\rhello\r\n'],
    ['a size beyond 2^53', '20000000000000\r\n'],
    ['a size of more than 16 digits', '00000000000000005\r\n'],
    ['an extension without size', ';a\r\n'],
    ['a bare line feed in an extension', '5;a\nhello\r\n'],
    ['a control character in an extension', '5;a\0\r\nhello\r\n'],
    ['a bare carriage return in an extension', '5;a\rb\r\nhello\r\n'],
    ['no line end behind the data', '5\r\nhelloX'],
    ['a bare line feed behind the data', '5\r\nhello\n'],
    ['a bare carriage return behind the data', '5\r\nhello\rX'],
    ['a bare carriage return at the end', '0\r\n\rX'],
  ])('are broken with %s', (_, text) => {
    expect(chunked(text)).toMatchObject({ event: 'fault', fault: expect.stringContaining('chunk') });
    expect(chunkedByByte(text)).toEqual(chunked(text));
  });

  test('may have 16 KiB of extensions together', () => {
    const extended = (size: number) => `1;${'x'.repeat(size)}\r\na\r\n`;
    expect(chunked(extended(8192).repeat(2))).toMatchObject({ event: 'starved', payloadBytes: 2 });
    expect(chunked(extended(8192).repeat(2) + extended(1))).toMatchObject({ event: 'fault', payloadBytes: 2 });
    expect(chunkedByByte(extended(8193).repeat(2))).toMatchObject({ event: 'fault', payloadBytes: 1 });
  });

  test.each(['', 'x'])('may have 256 extensions, also where they are %j', (extension) => {
    const extended = `1;${extension}\r\na\r\n`;
    expect(chunked(`${extended.repeat(256)}0\r\n\r\n`)).toMatchObject({ event: 'end', payloadBytes: 256 });
    const seen = { event: 'fault', payloadBytes: 256, fault: expect.stringContaining('extensions') };
    expect(chunked(extended.repeat(257))).toMatchObject(seen);
    expect(chunkedByByte(extended.repeat(257))).toMatchObject(seen);
  });
});

test('a parser reads one body after another', () => {
  const parser = new BodyParser();
  parser.begin('chunked', -1, 10);
  parser.feed(bytes('5;abc'), 0, 5);
  expect(parser.next()).toBe(BodyEvent.starved);
  parser.begin('chunked', -1, 10);
  parser.feed(bytes('2\r\nab\r\n0\r\n\r\n'), 0, 12);
  expect(parser.next()).toBe(BodyEvent.pass);
  expect([parser.spanStart, parser.spanEnd, parser.payloadBytes]).toEqual([0, 12, 2]);
});
