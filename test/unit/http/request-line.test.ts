import { describe, expect, test } from 'vitest';
import { escapeBeyondAscii, RequestLine } from '../../../src/http/request-line.ts';

/** What the parser gets of a text that is cut into pieces of so many bytes, and the target. */
function translated(text: string, size: number): { bytes: string; target: string | null } {
  const line = new RequestLine();
  let bytes = '';
  for (let at = 0; at < text.length; at += size) {
    bytes += line.translate(Buffer.from(text.slice(at, at + size), 'latin1')).toString('latin1');
  }
  return { bytes, target: line.target };
}

describe.each([1, 2, 5, 1000])('read %i bytes at a time', (size) => {
  test('a request line of ASCII is not touched', () => {
    const text = '\r\n\nGET /a%C3?b HTTP/1.1\r\nX: \xe9\r\n\r\n\xff';
    expect(translated(text, size)).toEqual({ bytes: text, target: null });
  });

  test('bytes beyond ASCII are escaped in it and nowhere else, and the target is known as it came', () => {
    const text = '\r\nGET  /caf\xc3\xa9?\xff HTTP/1.1\r\nX: \xe9\r\n\r\n\xff';
    expect(translated(text, size)).toEqual({
      bytes: '\r\nGET  /caf%C3%A9?%FF HTTP/1.1\r\nX: \xe9\r\n\r\n\xff',
      target: '/caf\xc3\xa9?\xff',
    });
  });

  test('a line without a target has none', () => {
    expect(translated('\xe9\r\n', size)).toEqual({ bytes: '%E9\r\n', target: null });
  });
});

test('what is not changed is the same buffer', () => {
  const [first, second] = [Buffer.from('GET / HTTP/1.1\r\n'), Buffer.from('X: y\r\n')];
  const line = new RequestLine();
  expect(line.translate(first)).toBe(first);
  expect(line.translate(second)).toBe(second);
});

test('every byte from 0x80 on is escaped', () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  const escaped = escapeBeyondAscii(all);
  expect(escaped.slice(0, 128)).toBe(all.slice(0, 128));
  expect(Buffer.from(decodeURIComponent(escaped.slice(0, 128).replaceAll('%', '%25')), 'latin1')).toHaveLength(128);
  expect(escaped.slice(128).match(/%[0-9A-F]{2}/g)).toHaveLength(128);
});
