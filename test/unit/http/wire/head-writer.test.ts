import { describe, expect, test } from 'vitest';
import { Changes } from '../../../../src/http/changes.ts';
import type { HeadKind } from '../../../../src/http/wire/head.ts';
import { HeadParser, HeadProgress } from '../../../../src/http/wire/head-parser.ts';
import { HeadWriter } from '../../../../src/http/wire/head-writer.ts';

const forwarding = Buffer.from('X-Forwarded-For: ::1\r\n');
const date = Buffer.from('Date: now\r\n');
const writer = new HeadWriter();

/** Parses a head that stands in the middle of a chunk. */
function parsed(kind: HeadKind, lines: readonly string[]): HeadParser {
  const parser = new HeadParser(kind);
  parser.reset();
  const text = [...lines, '', ''].join('\r\n');
  const chunk = Buffer.from(`foreign${text}foreign`, 'latin1');
  expect(parser.feed(chunk, 7, 7 + text.length)).toBe(HeadProgress.head);
  return parser;
}

function written(): string[] {
  const text = writer.bytes.toString('latin1', 0, writer.length);
  expect(text.endsWith('\r\n\r\n') || text === '\r\n').toBe(true);
  return text === '\r\n' ? [] : text.slice(0, -4).split('\r\n');
}

function request(
  lines: readonly string[],
  { trusted = false, closes = false, upgrades = false, changes = null as Changes | null } = {},
): string[] {
  writer.request(parsed('request', lines), { trusted, forwarding, closes, upgrades, changes });
  return written();
}

function response(
  lines: readonly string[],
  {
    chunks = false,
    closes = false,
    keeps = false,
    location = null as string | null,
    changes = null as Changes | null,
  } = {},
): string[] {
  writer.response(parsed('response', lines), { chunks, closes, keeps, date, location, changes });
  return written();
}

describe('the request for the upstream', () => {
  test('is the one that came, byte for byte, with forwarding lines', () => {
    const lines = [
      'GET /a|b?c HTTP/1.1',
      'hOsT: a:1',
      'Cookie: a',
      'X-Raw:\t\xe9\xff ',
      'Cookie: b',
      'Date: x',
      'Empty:',
    ];
    expect(request(lines)).toEqual([...lines, 'X-Forwarded-For: ::1']);
  });

  test('is changed where it is to be, and nowhere else', () => {
    const changes = new Changes();
    changes.setText('X-User', 'Jos\u00e9');
    changes.removeParameter('token');
    changes.removeCookie('session');
    changes.removeSubprotocol('secret');
    changes.removeField('Authorization');
    const lines = [
      'GET /a|b?token=1&c HTTP/1.1',
      'hOsT: a:1',
      'cookie:session=1',
      'Cookie:a=1;session=2',
      'x_user: eve',
      'X-Raw:\t\xe9\xff ',
      'AUTHORIZATION: Basic x',
      'Sec-WebSocket-Protocol: secret, b',
    ];
    expect(request(lines, { changes })).toEqual([
      'GET /a|b?c HTTP/1.1',
      'hOsT: a:1',
      'Cookie: a=1',
      'X-Raw:\t\xe9\xff ',
      'Sec-WebSocket-Protocol: b',
      'X-Forwarded-For: ::1',
      'X-User: Jos\xc3\xa9',
    ]);
  });

  test('keeps its framing and its expectation', () => {
    const lines = ['PUT / HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Expect: 100-continue'];
    expect(request(lines)).toEqual([...lines, 'X-Forwarded-For: ::1']);
    const chunked = ['PUT / HTTP/1.1', 'Host: a', 'transfer-encoding: chunked'];
    expect(request(chunked, { closes: true })).toEqual([...chunked, 'X-Forwarded-For: ::1', 'Connection: close']);
  });

  test('has nothing that concerns the connection it came on', () => {
    const hops = [
      'Connection: keep-alive',
      'Keep-Alive: 5',
      'TE: trailers',
      'Trailer: X',
      'Upgrade: h2c',
      'HTTP2-Settings: x',
    ];
    const proxies = ['Proxy-Connection: close', 'Proxy-Authorization: x', 'Proxy-Authenticate: x', 'Keep_Alive: 5'];
    expect(request(['GET / HTTP/1.1', ...hops, 'Host: a', ...proxies, 'A: b'])).toEqual([
      'GET / HTTP/1.1',
      'Host: a',
      'A: b',
      'X-Forwarded-For: ::1',
    ]);
  });

  test('has no line that Connection nominates, but those without which it means something else', () => {
    const kept = [
      'Host: a',
      'Origin: b',
      'Cookie: c',
      'Authorization: d',
      'Sec-WebSocket-Key: e',
      'Content-Length: 0',
      'Z: z',
    ];
    const nominated = 'host, origin,cookie , authorization,sec-websocket-key, content-length, x-forwarded-for, y';
    expect(request(['GET / HTTP/1.1', `Connection: close,X, ${nominated}`, ...kept, 'x: 1', 'Y: 2', 'y-: 3'])).toEqual([
      'GET / HTTP/1.1',
      ...kept,
      'y-: 3',
      'X-Forwarded-For: ::1',
    ]);
  });

  test('has no forwarding line of a peer that is not trusted, in whatever spelling', () => {
    const theirs = ['Forwarded: x', 'X-Forwarded-Prefix: x', 'X_Forwarded_Port: x', 'X-Original-Forwarded-For: x'];
    const ours = ['X-Forwarded-For: x', 'x_forwarded_proto: x', 'X-Real-IP: x', 'X-Scheme: x', 'X-Forwarded-Host: x'];
    const lines = ['GET / HTTP/1.1', 'Host: a', ...theirs, ...ours];
    expect(request(lines)).toEqual(['GET / HTTP/1.1', 'Host: a', 'X-Forwarded-For: ::1']);
    expect(request(lines, { trusted: true })).toEqual(['GET / HTTP/1.1', 'Host: a', ...theirs, 'X-Forwarded-For: ::1']);
  });

  test('is a handshake without extensions where it asks for one', () => {
    const lines = ['GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket', 'Connection: upgrade', 'Sec-WebSocket-Key: x'];
    const offered = [...lines, 'Sec-WebSocket-Extensions: permessage-deflate', 'Content-Length: 0'];
    expect(request(offered, { upgrades: true })).toEqual([
      'GET / HTTP/1.1',
      'Host: a',
      'Sec-WebSocket-Key: x',
      'X-Forwarded-For: ::1',
      'Connection: Upgrade',
      'Upgrade: websocket',
    ]);
    expect(request(offered)).toContain('Sec-WebSocket-Extensions: permessage-deflate');
  });

  test('may be larger than others before and after it', () => {
    const large = ['GET / HTTP/1.1', 'Host: a', `X: ${'x'.repeat(60_000)}`];
    expect(request(large)).toEqual([...large, 'X-Forwarded-For: ::1']);
    expect(writer.bytes.length).toBeGreaterThan(60_000);
    expect(request(['GET / HTTP/1.1', 'Host: a'])).toEqual(['GET / HTTP/1.1', 'Host: a', 'X-Forwarded-For: ::1']);
    expect(writer.bytes.length).toBeLessThan(20_000);
  });
});

describe('the answer for the client', () => {
  test('is the one that came, byte for byte', () => {
    const lines = [
      'HTTP/1.1 200 Alles \xfcber',
      'Content-Disposition: attachment; filename="\xe9"',
      'content-length: 5',
      'Set-Cookie: a',
      'X-Forwarded-For: x',
      'Set-Cookie: b',
      'Date: then',
    ];
    expect(response(lines)).toEqual(lines);
  });

  test('has the version of Sluice, a date, and says where the connection ends with it', () => {
    expect(response(['HTTP/1.0 200 OK', 'Connection: keep-alive', 'Keep-Alive: 5'], { chunks: true })).toEqual([
      'HTTP/1.1 200 OK',
      'Date: now',
      'Transfer-Encoding: chunked',
    ]);
    expect(response(['HTTP/1.1 200', 'Transfer-Encoding: chunked', 'Trailer: X'], { closes: true })).toEqual([
      'HTTP/1.1 200',
      'Transfer-Encoding: chunked',
      'Trailer: X',
      'Date: now',
      'Connection: close',
    ]);
    const kept = ['HTTP/1.1 200', 'Content-Length: 0'];
    expect(response(kept, { keeps: true })).toEqual([...kept, 'Date: now', 'Connection: keep-alive']);
    expect(response(kept, { keeps: true, closes: true })).toEqual([...kept, 'Date: now', 'Connection: close']);
  });

  test('has no framing where its status never has a body, but for a 304', () => {
    const framed = ['Content-Length: 5', 'A: b'];
    expect(response(['HTTP/1.1 204 No Content', ...framed])).toEqual(['HTTP/1.1 204 No Content', 'A: b', 'Date: now']);
    expect(response(['HTTP/1.1 103 Early Hints', ...framed])).toEqual(['HTTP/1.1 103 Early Hints', 'A: b']);
    expect(response(['HTTP/1.1 304 Not Modified', ...framed])).toEqual([
      'HTTP/1.1 304 Not Modified',
      ...framed,
      'Date: now',
    ]);
  });

  test('is a 101 with what the upstream said beside the handshake', () => {
    const lines = ['HTTP/1.1 101 Go on', 'upgrade: WebSocket', 'connection: upgrade', 'Sec-WebSocket-Accept: x'];
    const more = ['Set-Cookie: a', 'Sec-WebSocket-Extensions:', 'Content-Length: 0', 'Sec-WebSocket-Protocol: v1'];
    writer.switching(parsed('response', [...lines, ...more]), null);
    expect(written()).toEqual([
      'HTTP/1.1 101 Go on',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: x',
      'Set-Cookie: a',
      'Sec-WebSocket-Protocol: v1',
    ]);
  });
});

test('an answer says to the client what somebody else has to say, with its own location or another', () => {
  const changesOf = () => {
    const changes = new Changes();
    changes.addField('Set-Cookie', 's='.padEnd(20_000, 'x'));
    changes.setField('X-Ends', 'soon');
    return changes;
  };
  const own = [`Set-Cookie: ${'s='.padEnd(20_000, 'x')}`, 'X-Ends: soon'];
  const lines = ['set-cookie: b=1', 'x-ends: never', 'Location: /a'];
  const [status, moved] = ['HTTP/1.1 302 Found', ['set-cookie: b=1', 'Location: /a']];
  expect(response([status, ...lines], { changes: changesOf() })).toEqual([status, ...moved, ...own, 'Date: now']);
  expect(response([status, ...lines], { changes: changesOf(), location: '/b' })).toEqual([
    status,
    'set-cookie: b=1',
    ...own,
    'Location: /b',
    'Date: now',
  ]);
  writer.switching(parsed('response', ['HTTP/1.1 101 Go on', ...lines]), changesOf());
  expect(written()).toEqual(['HTTP/1.1 101 Go on', 'Upgrade: websocket', 'Connection: Upgrade', ...moved, ...own]);
});

test('trailers pass but those that have no place there', () => {
  const never = ['Host: a', 'Content-Length: 5', 'Content-Type: x', 'Transfer-Encoding: chunked', 'Trailer: x'];
  const more = ['set-cookie: a', 'Authorization: a', 'X-Forwarded-For: a', 'Connection: close', 'Location: /', 'TE: x'];
  writer.trailers(parsed('trailers', ['X: a', ...never, 'grpc-status: 0', ...more]));
  expect(written()).toEqual(['X: a', 'grpc-status: 0']);
  writer.trailers(parsed('trailers', ['TE: x']));
  expect(written()).toEqual([]);
});

test('the beginning of a body may be larger than the room behind the head', () => {
  for (const size of [10, 200_000]) {
    expect(request(['PUT / HTTP/1.1', 'Host: a'])).toHaveLength(3);
    const head = writer.length;
    const body = Buffer.alloc(size, 'b');
    writer.join(body, 2, size);
    expect(writer.length).toBe(head + size - 2);
    expect(writer.bytes.toString('latin1', 0, head)).toMatch(/^PUT \/ HTTP\/1\.1\r\n/);
    expect(writer.bytes.subarray(head, writer.length).equals(body.subarray(2))).toBe(true);
  }
});

test('an answer has another Location where it is given one', () => {
  const lines = ['HTTP/1.1 302 Found', 'location: http://inside/a', 'Date: x', 'X-A: b'];
  expect(response(lines, { location: 'http://outside/a' })).toEqual([
    'HTTP/1.1 302 Found',
    'Date: x',
    'X-A: b',
    'Location: http://outside/a',
  ]);
});

describe('the buffer of what was written', () => {
  test('is another one from `renew` on, so that the kernel may go on reading the first', () => {
    request(['GET /first HTTP/1.1', 'Host: a']);
    const { bytes, length } = writer;
    const copy = writer.copy();
    expect(copy.equals(bytes.subarray(0, length))).toBe(true);
    writer.renew();
    request(['GET /other HTTP/1.1', 'Host: b']);
    expect(writer.bytes).not.toBe(bytes);
    expect(bytes.subarray(0, length).equals(copy)).toBe(true);
  });
});
