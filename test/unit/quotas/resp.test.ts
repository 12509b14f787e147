import { describe, expect, test } from 'vitest';
import { encodeCommand, ReplyError, ReplyReader } from '../../../src/quotas/resp.ts';

const read = (text: string) => new ReplyReader().read(Buffer.from(text));

test('a command is its arguments, each with its length in bytes', () => {
  expect(encodeCommand(['SET', 'ä', 12])).toBe('*3\r\n$3\r\nSET\r\n$2\r\nä\r\n$2\r\n12\r\n');
  expect(encodeCommand(['a\r\nb'])).toBe('*1\r\n$4\r\na\r\nb\r\n');
});

describe('answers', () => {
  test('of each kind are read', () => {
    expect(read('+OK\r\n:-12\r\n$2\r\nä\r\n$0\r\n\r\n$-1\r\n*-1\r\n*2\r\n:0\r\n*1\r\n+x\r\n')).toEqual({
      replies: ['OK', -12, 'ä', '', null, null, [0, ['x']]],
      problem: null,
    });
  });

  test('that are errors keep their words', () => {
    expect(read('-READONLY no\r\n').replies).toEqual([new ReplyError('READONLY no')]);
  });

  test('that are whole are given, and the rest is waited for', () => {
    const reader = new ReplyReader();
    expect(reader.read(Buffer.from('+a\r\n*2\r\n:1\r\n$3\r\nab')).replies).toEqual(['a']);
    expect(reader.read(Buffer.from('c\r')).replies).toEqual([]);
    expect(reader.read(Buffer.from('\n:5\r\n'))).toEqual({ replies: [[1, 'abc'], 5], problem: null });
  });

  test.each([
    ['HTTP/1.1 400 Bad Request\r\n\r\n', /does not speak/],
    ['H', /does not speak/],
    ['\x16\x03\x01', /does not speak/],
    ['\r\n', /does not speak/],
    [':1e3\r\n', /a number that is none/],
    [':12345678901234567890\r\n', /a number that is none/],
    ['$-2\r\n', /a text that is too long/],
    ['$999999999\r\n', /a text that is too long/],
    ['$1\r\nabc\r\n', /a text without its end/],
    ['*17\r\n', /a list that is too long/],
    ['*99999999999\r\n', /a list that is too long/],
    ['*1\r\n*1\r\n*1\r\n:1\r\n', /a list that is too long/],
    ['*1\r\n!1\r\n', /does not speak/],
    [`+${'x'.repeat(5000)}`, /longer than 4096 bytes/],
    [`+${'x'.repeat(5000)}\r\n`, /longer than 4096 bytes/],
    [`*2\r\n$3000\r\n${'x'.repeat(3000)}\r\n$3000\r\n${'x'.repeat(3000)}\r\n`, /longer than 4096 bytes/],
  ])('that are none say why: %j', (text, problem) => {
    const { replies, problem: said } = read(`:7\r\n${text}`);
    expect(replies).toEqual([7]);
    expect(said).toMatch(problem);
  });
});
