/** Heads and bodies of HTTP messages for property tests: good ones, and ones that are nearly good. */
import fc from 'fast-check';

/** Sizes of the chunks that bytes arrive in. */
export const pieces = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })), {
  minLength: 1,
  maxLength: 12,
});

const target = fc
  .array(fc.constantFrom('a', '/', '?', 'b=c', '%2F', '%c3', '..', '|', '"', '{', '\\', '~', '&'), { maxLength: 8 })
  .map((parts) => `/${parts.join('')}`);

const name = fc.constantFrom(
  'Accept', 'Cookie', 'X-A', 'x_b', 'Connection', 'connection', 'Keep-Alive', 'TE', 'Upgrade', 'X-Forwarded-For',
  'X_Forwarded_For', 'Date', 'Trailer', 'Expect', 'Sec-WebSocket-Extensions', '!#$%&\'*+.^_`|~-09',
); // biome-ignore format: one list
const value = fc
  .array(
    fc.constantFrom('a', ' ', '\t', ',', 'close', 'keep-alive', 'upgrade', 'websocket', '\xe9', '"', ':', 'x-a', '0'),
    {
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(''));
const line = fc.tuple(name, fc.constantFrom('', ' ', '\t', '  '), value).map(([n, gap, v]) => `${n}:${gap}${v}`);
const framing = fc.constantFrom(
  '',
  'Content-Length: 0',
  'Content-Length: 12',
  'content-length:5 ',
  'Transfer-Encoding: chunked',
);

/** Puts lines into an order of chance. */
const shuffled = (lines: fc.Arbitrary<string[]>) =>
  lines.chain((some) => fc.shuffledSubarray(some, { minLength: some.length, maxLength: some.length }));

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');

/** A request's head that is well formed. */
export const requestHeads: fc.Arbitrary<string> = fc
  .tuple(
    method,
    target,
    shuffled(fc.tuple(fc.array(line, { maxLength: 8 }), framing).map(([some, f]) => [...some, 'Host: a:1', f])),
  )
  .map(([m, t, lines]) => [`${m} ${t} HTTP/1.1`, ...lines.filter((one) => one !== ''), '', ''].join('\r\n'));

const statusLine = fc.constantFrom(
  'HTTP/1.1 200 OK',
  'HTTP/1.1 404 \xfc ',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 500',
  'HTTP/1.1 304 Not Modified',
);

/** An answer's head that is well formed. */
export const responseHeads: fc.Arbitrary<string> = fc
  .tuple(statusLine, shuffled(fc.tuple(fc.array(line, { maxLength: 8 }), framing).map(([some, f]) => [...some, f])))
  .map(([status, lines]) => [status, ...lines.filter((one) => one !== ''), '', ''].join('\r\n'))
  // HTTP/1.0 knows no codings.
  .filter((head) => !/^HTTP\/1\.0[\s\S]*\ntransfer-encoding/i.test(head));

/** What gets into heads that people and attackers write. */
const noise = fc.constantFrom(
  '\r', '\n', '\r\n', '\0', '\x0b', '\x0c', '\x7f', ' ', '\t', ':', ';', ',', '\xff', '#', 'http://a', 'HTTP/1.0', 'HTTP/1.1',
  '\r\n ', '\r\nHost: b', '\r\nContent-Length: 5', '\r\nContent-Length: 05', '\r\nContent-Length: +5', '\r\nContent-Length: 5, 5',
  '\r\nTransfer-Encoding: chunked', '\r\nTransfer-Encoding: Chunked', '\r\nTransfer-Encoding: gzip', '\r\nTransfer-Encoding: chunked, identity',
  '\r\nTransfer-Encoding : chunked', '\r\nTransfer-Encoding:\x0bchunked', '\r\nTransfer_Encoding: chunked', '\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
); // biome-ignore format: one list

/** Strings with some of that put in, or some of them taken out. */
export function disturbed(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(fc.nat(1000), noise, fc.constantFrom(0, 0, 1, 3));
  return fc.tuple(text, fc.array(change, { minLength: 1, maxLength: 3 })).map(([whole, changes]) =>
    changes.reduce((now, [at, added, removed]) => {
      const place = at % (now.length + 1);
      return now.slice(0, place) + added + now.slice(place + removed);
    }, whole),
  );
}

const size = fc.tuple(fc.nat(40), fc.constantFrom('', '0', '000'), fc.boolean());

/** A chunked body that is well formed: its bytes, its payload, and what is left of it without extensions. */
export const chunkedBodies = fc
  .array(fc.tuple(size, fc.constantFrom('', '', ';a', ';a=b;c="d"')), { maxLength: 6 })
  .map((sizes) => {
    let bytes = '';
    let clean = '';
    let payload = '';
    for (const [[bytesOfChunk, zeros, upper], extension] of sizes) {
      if (bytesOfChunk === 0) continue;
      const data = '\r\n0;x'.repeat(20).slice(0, bytesOfChunk);
      const hex = zeros + (upper ? bytesOfChunk.toString(16).toUpperCase() : bytesOfChunk.toString(16));
      bytes += `${hex}${extension}\r\n${data}\r\n`;
      clean += `${hex}\r\n${data}\r\n`;
      payload += data;
    }
    return { bytes: `${bytes}0\r\n\r\n`, clean: `${clean}0\r\n\r\n`, payload };
  });
