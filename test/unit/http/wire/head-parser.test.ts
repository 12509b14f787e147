import { describe, expect, test } from 'vitest';
import { ConnectionOptions } from '../../../../src/http/wire/connection.ts';
import { maxHeadLines } from '../../../../src/http/wire/head.ts';
import { HeadParser, HeadProgress, maxHeadBytes } from '../../../../src/http/wire/head-parser.ts';
import { readHead, type SeenHead } from '../../../helpers/head-events.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const request = (text: string) => readHead('request', [bytes(text)]);
const response = (text: string) => readHead('response', [bytes(text)]);
const byByte = (text: string) => [...bytes(text)].map((byte) => Buffer.from([byte]));

/** A request with these lines beside its Host. */
const withLines = (...lines: string[]) =>
  request(['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')) as SeenHead;
const answerWith = (...lines: string[]) => response(['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n')) as SeenHead;

describe('a request', () => {
  test('is read in place, with what stands behind it', () => {
    const head =
      'POST /a?b=c%20d HTTP/1.1\r\nHost: example.org:80\r\nCookie: a=b; c=d\r\nCookie: e=f\r\nX-Raw:\t\xe9 \r\n\r\n';
    expect(request(`${head}rest`)).toEqual({
      verdict: 'head',
      block: head,
      pairs: ['Host', 'example.org:80', 'Cookie', 'a=b; c=d', 'Cookie', 'e=f', 'X-Raw', '\xe9'],
      method: 'POST',
      target: '/a?b=c%20d',
      status: 0,
      minorVersion: 1,
      contentLength: -1,
      chunked: false,
      connection: 0,
      flags: [false, false, false],
      rest: 'rest',
    });
  });

  test('is doubtful as soon as it is, byte for byte, behind a long name, target or reason', () => {
    const long = 'x'.repeat(40);
    for (const [kind, text] of [
      ['request', `GET /${long}\x01${long}`],
      ['request', `GET / HTTP/1.1\r\nX-${long}(${long}`],
      ['request', `GET / HTTP/1.1\r\nX: ${long}\x01${long}`],
      ['response', `HTTP/1.1 200 ${long}\x01${long}`],
      ['request', `GET /${long} HTTX${long}`],
      ['request', `GET /${long} X${long}`],
      ['request', `GET / HTTP/1.1\r\nX: ${long}\r${long}`],
      ['response', `HTTP/1.1 200 ${long}\r${long}`],
    ] as const) {
      expect(readHead(kind, byByte(text))).toMatchObject({ verdict: 'careful' });
    }
  });

  test('is the same byte for byte', () => {
    const text =
      'PATCH /x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nDate: now\r\nUpgrade: h2c\r\nX-Real-IP: ::1\r\n\r\n';
    expect(readHead('request', byByte(text))).toEqual(request(text));
    expect(request(text)).toMatchObject({ contentLength: 12, flags: [true, true, true] });
  });

  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('has the method %s', (method) => {
    const text = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    expect(request(text)).toMatchObject({ verdict: 'head', method });
    expect(readHead('request', byByte(text))).toMatchObject({ verdict: 'head', method });
  });

  test.each([
    ['another method', 'PURGE / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a method that begins like a known one', 'PATCHES / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a method in lower case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a blank line before it', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two spaces before the target', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two spaces behind the target', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a tab behind the target', 'GET /\tHTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['the target *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a fragment', 'GET /#x HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a target beyond ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a control character in the target', 'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
    ['HTTP/0.9', 'GET /\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00'],
    ['a bare line feed behind the request line', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['a bare line feed behind a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n'],
    ['a bare line feed as blank line', 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
    ['a bare carriage return in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n'],
    ['a carriage return without line feed at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\rX'],
    ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0\r\n\r\n'],
    ['DEL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n'],
    ['a name that is no token', 'GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n'],
    ['no name', 'GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n'],
    ['no colon', 'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n'],
    ['a folded value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'],
    ['a space before the first name', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n'],
    ['two lengths', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
    ['a list of lengths', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n'],
    ['an empty length', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n'],
    ['a length with a sign', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n'],
    ['a length with a leading zero', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n\r\n'],
    ['a hexadecimal length', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n'],
    ['a length beyond 2^53', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740993\r\n\r\n'],
    ['length and coding', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['coding and length', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n'],
    ['two codings', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    [
      'two lines of codings',
      'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['another coding', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n'],
    ['a tab before chunked', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n'],
    ['a tab before a length', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \t5\r\n\r\n'],
    ['chunked with a tab behind it', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \t\r\n\r\n'],
    ['a length with a tab behind it', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\t \r\n\r\n'],
    ['chunked in capitals', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n'],
    ['a tab behind chunked', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n'],
    ['chunked with a parameter', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n'],
    ['a vertical tab before chunked', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n'],
  ])('goes the careful way with all its bytes where it has %s', (_, text) => {
    expect(request(text)).toEqual({ verdict: 'careful', bytes: text });
    expect(readHead('request', byByte(text))).toEqual({ verdict: 'careful', bytes: text });
  });

  test('tells its framing', () => {
    expect(withLines('Content-Length: 0')).toMatchObject({ contentLength: 0, chunked: false });
    expect(withLines('content-length:999999999999999  ')).toMatchObject({ contentLength: 999_999_999_999_999 });
    expect(withLines('TRANSFER-ENCODING: chunked')).toMatchObject({ contentLength: -1, chunked: true });
  });

  test('tells what ConnectionOptions says, over all its lines', () => {
    expect(withLines('Connection: Keep-Alive').connection).toBe(ConnectionOptions.keepAlive);
    expect(withLines('Connection: ,close ,\tUPGRADE,').connection).toBe(
      ConnectionOptions.close | ConnectionOptions.upgrade,
    );
    expect(withLines('Connection: closed', 'connection: close').connection).toBe(
      ConnectionOptions.close | ConnectionOptions.nominates,
    );
    expect(withLines('Connection:').connection).toBe(0);
  });

  test.each(['Forwarded', 'X-Forwarded-For', 'x-forwarded-prefix', 'X_Forwarded_Proto', 'X-Real_IP', 'X-Scheme'])(
    'tells that it has forwarding lines: %s',
    (name) => {
      expect(withLines(`${name}: a`).flags).toEqual([false, false, true]);
    },
  );

  test.each(['X-Forwarded-', 'X-Forwarde', 'Y-Forwarded-For', 'Content_Length', 'Transfer_Encoding'])(
    'has no framing and no forwarding line in %s',
    (name) => {
      expect(withLines(`${name}: 5`)).toMatchObject({
        contentLength: -1,
        chunked: false,
        flags: [false, false, false],
      });
    },
  );
});

describe('an answer', () => {
  test('is read in place', () => {
    const head = 'HTTP/1.1 404 Not\tFound \xfc\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 3\r\n\r\n';
    expect(response(`${head}abc`)).toMatchObject({
      block: head,
      status: 404,
      minorVersion: 1,
      contentLength: 3,
      rest: 'abc',
      pairs: ['Set-Cookie', 'a', 'Set-Cookie', 'b', 'Content-Length', '3'],
    });
    expect(readHead('response', byByte(`${head}abc`))).toMatchObject({ block: head, status: 404, rest: 'abc' });
  });

  test.each(['HTTP/1.1 200\r\n\r\n', 'HTTP/1.1 200 \r\n\r\n', 'HTTP/1.0 200 OK\r\n\r\n', 'HTTP/1.1 999 X\r\n\r\n'])(
    'may begin %j',
    (text) => {
      expect(response(text)).toMatchObject({ verdict: 'head', block: text });
      expect(readHead('response', byByte(text))).toMatchObject({ verdict: 'head', block: text });
    },
  );

  test.each([
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.2 200 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 2000 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1 2x0 OK\r\n\r\n',
    'HTTP/1.1 200 O\x01K\r\n\r\n',
    'HTTP/1.1 200 OK\n\n',
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunke\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  ])('is in doubt: %j', (text) => {
    expect(response(text)).toEqual({ verdict: 'careful', bytes: text });
    expect(readHead('response', byByte(text))).toEqual({ verdict: 'careful', bytes: text });
  });

  test('may have other codings below the chunks, in any spelling', () => {
    expect(answerWith('Transfer-Encoding: Chunked').chunked).toBe(true);
    expect(answerWith('Transfer-Encoding: gzip,chunked').chunked).toBe(true);
    expect(answerWith('Transfer-Encoding: gzip, \tCHUNKED').chunked).toBe(true);
    expect(answerWith('Content-Length: 5').chunked).toBe(false);
  });
});

describe('trailers', () => {
  test('are lines and a blank one', () => {
    expect(readHead('trailers', [bytes('\r\nrest')])).toMatchObject({ verdict: 'head', block: '\r\n', rest: 'rest' });
    expect(readHead('trailers', byByte('X: a\r\nContent-Length: 5\r\n\r\n'))).toMatchObject({
      verdict: 'head',
      pairs: ['X', 'a', 'Content-Length', '5'],
    });
    expect(readHead('trailers', [bytes('X : a\r\n\r\n')])).toMatchObject({ verdict: 'careful' });
  });
});

describe('the limits', () => {
  /** A head of so many bytes. */
  const sized = (size: number) => {
    const begin = 'GET / HTTP/1.1\r\nHost: a\r\nX: ';
    return bytes(`${begin}${'x'.repeat(size - begin.length - 4)}\r\n\r\n`);
  };

  test('a head may have 65536 bytes, and not one more', () => {
    expect(readHead('request', [sized(maxHeadBytes)])).toMatchObject({ verdict: 'head' });
    expect(readHead('request', [sized(maxHeadBytes + 1)])).toMatchObject({ verdict: 'tooLarge' });
    const [first, second] = [sized(maxHeadBytes).subarray(0, 40_000), sized(maxHeadBytes).subarray(40_000)];
    expect(readHead('request', [first, second, bytes('rest')])).toMatchObject({ verdict: 'head' });
    const large = sized(maxHeadBytes + 1);
    for (const at of [10, 40_000, maxHeadBytes - 1, maxHeadBytes]) {
      expect(readHead('request', [large.subarray(0, at), large.subarray(at)])).toEqual({
        verdict: 'tooLarge',
        bytes: large.toString('latin1'),
      });
    }
  });

  test('what is in doubt within them is in doubt, wherever it is cut', () => {
    const large = Buffer.concat([
      sized(maxHeadBytes - 10).subarray(0, maxHeadBytes - 20),
      bytes(`\x01${'x'.repeat(99)}`),
    ]);
    for (const at of [1000, maxHeadBytes - 21, maxHeadBytes - 19, large.length]) {
      const chunks = [large.subarray(0, at), large.subarray(at)].filter(({ length }) => length > 0);
      expect(readHead('request', chunks).verdict).toBe('careful');
    }
  });

  test('a head may have 256 lines, and not one more', () => {
    const lined = (lines: number) => `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(lines - 1)}\r\n`;
    expect(request(lined(maxHeadLines))).toMatchObject({ verdict: 'head' });
    expect((request(lined(maxHeadLines)) as SeenHead).pairs.length).toBe(2 * maxHeadLines);
    expect(request(lined(maxHeadLines + 1))).toMatchObject({ verdict: 'tooManyLines' });
    expect(readHead('request', byByte(lined(maxHeadLines + 1)))).toMatchObject({ verdict: 'tooManyLines' });
  });
});

test.each(['Connection', 'Upgrade', 'X-Forwarded-For', 'Forwarded'])(
  'a list of 100 passes in %s, and no longer one',
  (name) => {
    const list = (elements: number) => `${name}: ${new Array(elements).fill('a').join(',')}`;
    expect(withLines(list(100)).verdict).toBe('head');
    expect(withLines(list(101)).verdict).toBe('careful');
    expect(withLines(list(50), list(50)).verdict).toBe('head');
    expect(withLines(list(50), list(51)).verdict).toBe('careful');
  },
);

test('no bytes say nothing', () => {
  expect(
    readHead('request', [bytes(''), bytes('GET / HTTP/1.1\r\n'), bytes(''), bytes('Host: a\r\n\r\n')]),
  ).toMatchObject({
    verdict: 'head',
    pairs: ['Host', 'a'],
  });
});

test('a parser reads one head after another', () => {
  const parser = new HeadParser('request');
  parser.reset();
  const first = bytes('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\nUpgrade: x\r\n\r\n');
  expect(parser.feed(first, 0, 20)).toBe(HeadProgress.starved);
  expect([parser.begun, parser.capacity]).toEqual([true, 2048]);
  expect(parser.feed(first, 20, first.length)).toBe(HeadProgress.head);
  parser.reset();
  expect([parser.begun, parser.capacity]).toEqual([false, 0]);
  const second = bytes('GET /b HTTP/1.1\r\nHost: b\r\n\r\n');
  expect(parser.feed(second, 0, second.length)).toBe(HeadProgress.head);
  expect(parser).toMatchObject({ contentLength: -1, connection: 0, upgrades: false, lines: 1, hostLine: 0 });
  expect(parser.value(parser.hostLine)).toBe('b');
});

test('a head that is kept stays when the chunk it stood in changes, wherever it stood', () => {
  const text = 'GET /a?b HTTP/1.1\r\nHost: x\r\nAccept: y\r\n\r\n';
  for (const before of [0, 5]) {
    const chunk = Buffer.from(`${'-'.repeat(before)}${text}behind`);
    const parser = new HeadParser('request');
    expect(parser.feed(chunk, before, chunk.length)).toBe(HeadProgress.head);
    parser.keep();
    parser.keep();
    chunk.fill(0);
    expect(parser.pairs()).toEqual(['Host', 'x', 'Accept', 'y']);
    expect(parser.bytes.toString('latin1', parser.start, parser.end)).toBe(text);
    expect(parser.bytes.toString('latin1', parser.targetStart, parser.targetEnd)).toBe('/a?b');
    expect(parser.value(parser.hostLine)).toBe('x');
  }
});
