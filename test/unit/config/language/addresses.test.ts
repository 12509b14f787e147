import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as addresses from '../../../../src/config/language/addresses.ts';

describe('listen addresses', () => {
  test.each([
    ['0.0.0.0:8080', { kind: 'tcp', host: '0.0.0.0', port: 8080 }],
    ['[::]:8080', { kind: 'tcp', host: '::', port: 8080 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['unix:/run/sluice.sock', { kind: 'unix', path: '/run/sluice.sock' }],
  ] as const)('%s', (text, address) => {
    expect(addresses.parseListenAddress(text)).toEqual({ value: address });
    expect(addresses.formatListenAddress(address)).toBe(text);
  });

  test.each([
    8080,
    ':8080',
    '8080',
    '0.0.0.0',
    '0.0.0.0:65536',
    '::1:80',
    '300.1.1.1:80',
    'http://a:80',
    '',
    null,
    { toString: 0 },
  ])('refuses %s', (value) => {
    const parsed = addresses.parseListenAddress(value);
    expect(parsed).toHaveProperty('problem', expect.stringMatching(/^is not an address; write 0\.0\.0\.0:\d+/));
  });

  test('a port alone comes back in the remedy', () => {
    expect(addresses.parseListenAddress(9000)).toHaveProperty('problem', expect.stringContaining('write 0.0.0.0:9000'));
  });

  test("a socket path is absolute and fits the kernel's 108 bytes", () => {
    expect(addresses.parseListenAddress('unix:run.sock')).toHaveProperty('problem');
    expect(addresses.parseListenAddress(`unix:/${'a'.repeat(106)}`)).toHaveProperty('value');
    expect(addresses.parseListenAddress(`unix:/${'a'.repeat(107)}`)).toHaveProperty('problem');
  });
});

describe('upstreams', () => {
  test.each([
    ['http://panel:5006', 'http:', 'panel', 5006],
    ['http://panel:5006/', 'http:', 'panel', 5006],
    ['HTTP://Panel', 'http:', 'panel', 80],
    ['https://10.0.0.1', 'https:', '10.0.0.1', 443],
    ['http://[::1]:8888', 'http:', '::1', 8888],
  ])('%s', (href, protocol, host, port) => {
    expect(addresses.parseUpstream(href)).toEqual({ value: { protocol, host, port, href } });
  });

  test.each([
    [
      'http://panel:5006/app',
      'has a path; set --prefix or base_url on the backend instead, and write http://panel:5006',
    ],
    ['http://panel?x=1', 'has a path; set --prefix or base_url on the backend instead, and write http://panel'],
    ['ws://panel:5006', 'has the scheme ws; write http://panel:5006'],
    ['wss://panel', 'has the scheme wss; write https://panel'],
    ['ws://panel:5006/app/ws', 'has the scheme ws; write http://panel:5006'],
    ['ws://anna:secret@panel', 'holds a user or password, which would reach the log; write http://host:port'],
    ['http://user:secret@panel', 'holds a user or password, which would reach the log; write http://host:port'],
    ['panel:5006', 'is not the URL of a backend; write http://host:port'],
    ['ftp://panel', 'is not the URL of a backend; write http://host:port'],
    ['http://', 'is not the URL of a backend; write http://host:port'],
    ['http://panel:0', 'is not the URL of a backend; write http://host:port'],
    ['http://panel:99999', 'is not the URL of a backend; write http://host:port'],
    ['http://pa nel', 'is not the URL of a backend; write http://host:port'],
    [5006, 'is not the URL of a backend; write http://host:port'],
  ])('refuses %s', (value, problem) => {
    expect(addresses.parseUpstream(value)).toEqual({ problem });
  });
});

describe('origins', () => {
  test.each([
    ['https://apps.example.org', 'https://apps.example.org'],
    ['HTTPS://Apps.Example.org', 'https://apps.example.org'],
    // Browsers leave the default port out, so a written one would refuse them all.
    ['https://apps.example.org:443', 'https://apps.example.org'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
  ])('%s', (text, origin) => {
    expect(addresses.parseOrigin(text)).toEqual({ value: origin });
  });

  test.each([
    ['*', 'is not an origin; leave origins out to admit every origin'],
    ['null', 'would admit every sandboxed page; write https://apps.example.org'],
    ['https://a.example/', 'has a path, which no origin has; write https://a.example'],
    ['https://*.example.org', 'is a pattern, and origins are exact; write https://apps.example.org'],
    ['apps.example.org', 'is not an origin; write https://apps.example.org'],
    ['https://user@a.example', 'is not an origin; write https://apps.example.org'],
    ['https://a.example:99999', 'is not an origin; write https://apps.example.org'],
    ['http://apps.0', 'is not an origin; write https://apps.example.org'],
    ['https://apps.0x7f', 'is not an origin; write https://apps.example.org'],
    [1, 'is not an origin; write https://apps.example.org'],
  ])('refuses %s', (value, problem) => {
    expect(addresses.parseOrigin(value)).toEqual({ problem });
  });
});

describe('methods', () => {
  test.each(['GET', 'PROPFIND', 'M-SEARCH'])('%s', (value) => {
    expect(addresses.parseMethod(value)).toEqual({ value });
  });

  test('one that is not in capitals is named as it should be', () => {
    const problem = 'is not in capitals, and matches nothing so; write GET';
    expect(addresses.parseMethod('get')).toEqual({ problem });
  });

  test.each(['', 'G T', '*', 'A'.repeat(33), 7, null])('not %s', (value) => {
    expect(addresses.parseMethod(value)).toEqual({ problem: 'is not a method; write GET, POST or another' });
  });
});

describe('certificates with their keys', () => {
  test('two paths', () => {
    expect(addresses.parsePair({ cert: 'c', key: 'k' })).toEqual({ value: { cert: 'c', key: 'k' } });
  });

  test.each<[unknown, object]>([
    ['c', { problem: 'is not a certificate with its key; write {cert: tls.crt, key: tls.key}' }],
    [['c', 'k'], { problem: 'is not a certificate with its key; write {cert: tls.crt, key: tls.key}' }],
    [null, { problem: 'is not a certificate with its key; write {cert: tls.crt, key: tls.key}' }],
    [{ cert: 'c' }, { problem: 'has no key; write {cert: tls.crt, key: tls.key}' }],
    [{ key: 'k' }, { problem: 'has no cert; write {cert: tls.crt, key: tls.key}' }],
    [
      { cert: 'c', key: 7 },
      { key: 'key', problem: 'is not the path of a file; write /run/secrets/token' },
    ],
    [
      { cert: 'c', key: 'k', ca: 'x' },
      { key: 'ca', problem: 'is an unknown key; write {cert: tls.crt, key: tls.key}' },
    ],
  ])('not %j', (value, said) => {
    expect(addresses.parsePair(value)).toEqual(said);
  });
});

describe('URLs that a socket may stand in', () => {
  test.each([
    ['http://hub:8081/hub/error/', 'http://hub:8081/hub/error'],
    ['http+unix://%2Frun%2Fhub.sock', 'http+unix://%2Frun%2Fhub.sock'],
    ['unix+http://%2Frun%2Fhub.sock/hub/error', 'http+unix://%2Frun%2Fhub.sock/hub/error'],
    ['http+unix://%2frun%2Fa%20b/hub/error/', 'http+unix://%2frun%2Fa%20b/hub/error'],
  ])('%s', (text, value) => {
    expect(addresses.parseUrlOrSocket(text)).toEqual({ value });
  });

  test.each([
    'http+unix://run/hub.sock',
    'http+unix:///run/hub.sock',
    'unix+http:///run/hub.sock',
    'unix+https://%2Frun%2Fhub.sock',
    'http+unix://%2Frun%00',
    'http+unix://%2F%ff',
    `http+unix://%2F${'x'.repeat(107)}`,
    'http+unix://%2Fa?b',
    'HTTP+UNIX://%2Fa',
    'ftp://a',
    5,
  ])('refuses %s', (value) => {
    expect(addresses.parseUrlOrSocket(value)).toHaveProperty('problem', expect.stringMatching(/write http/));
  });
});

describe('networks', () => {
  test.each(['10.0.0.0/8', '127.0.0.1', 'fd00::/8', '::1', '0.0.0.0/0', '::ffff:10.0.0.0/104'])('%s', (text) => {
    expect(addresses.parseNetwork(text)).toEqual({ value: text });
  });

  test.each([
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/a',
    '10.0.0/8',
    '10.0.0.0/8/8',
    'ingress',
    'fe80::1%eth0',
    10,
    '',
  ])('refuses %s', (value) => {
    expect(addresses.parseNetwork(value)).toHaveProperty('problem', expect.stringContaining('; write '));
  });

  test('a wrong prefix length is named with the right range', () => {
    expect(addresses.parseNetwork('10.0.0.0/33')).toHaveProperty(
      'problem',
      'has no valid prefix length; write 10.0.0.0/ and a number from 0 to 32',
    );
  });
});

describe('hosts', () => {
  test.each([
    ['Apps.Example.org', 'apps.example.org'],
    ['*.example.org', '*.example.org'],
    ['localhost', 'localhost'],
    ['10.0.0.1', '10.0.0.1'],
    ['[::1]', '[::1]'],
  ])('%s', (text, host) => {
    expect(addresses.parseHost(text)).toEqual({ value: host });
  });

  test.each([
    ['*', 'matches every host; leave hosts out for that'],
    ['apps.example.org:8080', 'is more than a host; write apps.example.org'],
    ['https://apps.example.org/x', 'is more than a host; write apps.example.org'],
    ['apps.*.org', 'is not a host; write apps.example.org or *.example.org'],
    ['a..b', 'is not a host; write apps.example.org or *.example.org'],
    ['', 'is not a host; write apps.example.org or *.example.org'],
    [8, 'is not a host; write apps.example.org or *.example.org'],
  ])('refuses %s', (value, problem) => {
    expect(addresses.parseHost(value)).toEqual({ problem });
  });
});

describe('path patterns', () => {
  test.each(['/', '/app', '/app/', '/user/*/lab', '/**/api/collaboration/room/', '/a%20b', '/~x/@y:z'])(
    '%s is kept as written',
    (path) => {
      expect(addresses.parsePath(path)).toEqual({ value: path });
    },
  );

  test.each([
    ['app', 'does not begin with a slash; write /app'],
    ['/a//b', 'has an empty segment; write /a/b'],
    ['/a?b', 'holds ? or #; write the path alone, a query never decides the route'],
    ['/a/../b', 'has a dot segment, which no request keeps; write the path without it'],
    ['/a/..;x/b', 'has a dot segment, which no request keeps; write the path without it'],
    ['/a%2fb', 'has an ambiguous encoding; write segments without encoded dots and slashes'],
    ['/%2E%2E', 'has an ambiguous encoding; write segments without encoded dots and slashes'],
    ['/a b', 'holds a character that no request path has; write it percent-encoded as browsers send it'],
    ['/ä', 'holds a character that no request path has; write it percent-encoded as browsers send it'],
    ['/100%', 'holds a character that no request path has; write it percent-encoded as browsers send it'],
    ['/app*', 'has * inside a segment; write * for one whole segment or ** for any number'],
    ['/***', 'has * inside a segment; write * for one whole segment or ** for any number'],
    ['/app/{id}', 'has {id}, which is no placeholder here; write * for one whole segment'],
    ['/app/<id>/x', 'has <id>, which is no placeholder here; write * for one whole segment'],
    [3, 'is not a path; write / or /app'],
  ])('refuses %s', (value, problem) => {
    expect(addresses.parsePath(value)).toEqual({ problem });
  });

  test.each([
    ['/', '/**'],
    ['/a', '/a/'],
    ['/a', '/a/**'],
    ['/a', '/a/**/**'],
    ['/a/**/b', '/a/**/**/b'],
    ['/a', '/%61'],
  ])('%s and %s are one pattern', (a, b) => {
    expect(addresses.canonicalPath(a)).toBe(addresses.canonicalPath(b));
  });

  test.each([
    ['/a', '/b'],
    ['/a/*', '/a'],
    ['/a/*', '/a/**'],
    ['/a/*', '/a/%2A'],
    ['/a', '/A'],
  ])('%s and %s are two', (a, b) => {
    expect(addresses.canonicalPath(a)).not.toBe(addresses.canonicalPath(b));
  });
});

test('any value gives a result, never an exception', () => {
  const parsers = [
    addresses.parseListenAddress,
    addresses.parseUpstream,
    addresses.parseOrigin,
    addresses.parseNetwork,
    addresses.parseHost,
    addresses.parsePath,
  ];
  const values = fc.oneof(
    fc.anything(),
    fc.webUrl(),
    fc.ipV6(),
    fc.string().map((text) => `http://${text}`),
  );
  fc.assert(
    fc.property(values, (value) => {
      for (const parse of parsers) expect(Object.keys(parse(value))).toHaveLength(1);
    }),
    { numRuns: 500 },
  );
});

test('a file is named by a path', () => {
  expect(addresses.parseFile('/run/secrets/token')).toEqual({ value: '/run/secrets/token' });
  for (const wrong of ['', 5, 'a\0b']) {
    expect(addresses.parseFile(wrong)).toEqual({ problem: 'is not the path of a file; write /run/secrets/token' });
  }
});

test('a list of backends, a pool elsewhere, is told of as one', () => {
  expect(addresses.parseUpstream(['http://a', 'http://b'])).toEqual({
    problem: 'is a list, and a route has one backend; write that of a Service or balancer before them',
  });
});
