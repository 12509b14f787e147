/**
 * What the published schema takes, the parsers take: editors and Helm must not promise what Sluice then refuses. It may
 * refuse a little more, but nothing that people write.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as addresses from '../../../../src/config/language/addresses.ts';
import type { Result } from '../../../../src/config/language/result.ts';
import * as units from '../../../../src/config/language/units.ts';
import * as auth from '../../../../src/config/model/auth-values.ts';
import { parseIdentity } from '../../../../src/config/model/identity.ts';
import { schemaText } from '../../../../src/config/model/reference.ts';
import { parseReply } from '../../../../src/config/model/reply.ts';
import { expectEqual } from '../../../helpers/often.ts';

const schema = JSON.parse(schemaText()) as { $defs: Record<string, object> };
const ajv = new Ajv2020({ allErrors: false, strict: false });
const names = Object.keys(schema.$defs);

function validator(name: string): (value: unknown) => boolean {
  const validate = ajv.compile({ $defs: schema.$defs, $ref: `#/$defs/${name}` });
  return (value) => validate(value) === true;
}

interface Kind {
  readonly parse: (value: unknown) => Result<unknown>;
  /** What people write. */
  readonly right: readonly unknown[];
  /** What is nearly that. */
  readonly wrong: readonly unknown[];
}

const sizes = ['1B', '20MiB', '20MB', '0001kB', '8GiB', '999TiB', 1, 20_971_520, Number.MAX_SAFE_INTEGER];
const durations = ['500ms', '0s', '90s', '5m', '596h', '0', 'off', 0];

const kinds: Readonly<Record<string, Kind>> = {
  size: { parse: units.parseSize, right: sizes, wrong: ['0MiB', '8192TiB', '1Mi', '1.5MiB', 0, 2 ** 53, -1, ''] },
  size_or_unlimited: { parse: units.parseSizeOrUnlimited, right: [...sizes, 'unlimited'], wrong: ['Unlimited', 0] },
  duration: { parse: units.parseDuration, right: durations, wrong: ['597h', '1m30s', '9999999999ms', '30', 30, 'OFF'] },
  finite_duration: {
    parse: units.parseFiniteDuration,
    right: ['500ms', '060s', '596h'],
    wrong: ['0s', '597h', 'off', 0],
  },
  count: { parse: units.parseCount, right: [1, 64, 1e9], wrong: [0, 1e9 + 1, 1.5, '1'] },
  count_or_unlimited: { parse: units.parseCountOrUnlimited, right: [1, 'unlimited'], wrong: [0, 'none'] },
  prefix_length: { parse: units.parsePrefixLength, right: [1, 64, 128], wrong: [0, 129, 64.5, '64', 'off'] },
  message_rate: {
    parse: (value) => units.parseRate(value, 'messages'),
    right: ['100/s', { rate: '1/s', burst: 5, action: 'close' }, 'unlimited'],
    wrong: ['0/s', '9999999999/s', '100/m', { rate: '1/s', burst: 0 }, { burst: 1 }, { rate: '1/s', action: 'stop' }],
  },
  byte_rate: {
    parse: (value) => units.parseRate(value, 'bytes'),
    right: ['10MiB/s', { rate: '10MB/s', burst: '20MB' }, { rate: '1B/s', burst: 4096 }],
    wrong: ['0MiB/s', '10/s', { rate: '10MiB/s', burst: '0B' }],
  },
  control_rate: { parse: units.parseControlRate, right: ['50/s', { rate: '50/s', burst: 200 }], wrong: ['unlimited'] },
  share: {
    parse: units.parseShare,
    right: ['all', 'none', '10%', '0.5%', '99.999%'],
    wrong: ['100%', '101%', '-1%', '1.2345%', '10', 'off', 0.1],
  },
  request_rate: {
    parse: units.parseLineRate,
    right: ['50/s', { rate: '50/s', burst: 200 }, 'unlimited'],
    wrong: ['none', 'all', { rate: '50/s', action: 'pause' }, { burst: 5 }],
  },
  line_rate: {
    parse: units.parseLineRate,
    right: ['50/s', { rate: '50/s', burst: 200 }, 'unlimited'],
    wrong: ['none', 'all', { rate: '50/s', action: 'pause' }, { burst: 5 }],
  },
  identity: {
    parse: parseIdentity,
    right: [{ header: 'X-Forwarded-User' }, { path: '/user/*/' }, { path: '/*' }, { path: '/a/*/b' }],
    wrong: [
      { header: 'a b' },
      { path: '/user' },
      { path: '/*/*' },
      { path: '/**/*' },
      { path: '/a//*' },
      { path: '/a?/*' },
      { header: 'a', path: '/*' },
      'X-Forwarded-User',
    ],
  },
  depth: { parse: units.parseDepth, right: [1, 64, 1000], wrong: [0, 1001, 1.5, '64', -1, 'off'] },
  reply: {
    parse: parseReply,
    right: [{}, { type: 'error', message: '{reason}' }, { a: [{ b: null }] }],
    wrong: ['error', ['error'], 3, true],
  },
  address: {
    parse: addresses.parseListenAddress,
    right: [
      '0.0.0.0:8080',
      '[::]:8080',
      '127.0.0.1:0',
      'localhost:65535',
      'unix:/run/sluice.sock',
      '[::ffff:1.2.3.4]:1',
    ],
    wrong: [
      '0.0.0.0:99999',
      '300.1.1.1:80',
      ':8080',
      '[::1:80',
      '[1::2::3]:80',
      'unix:run',
      'unix:80',
      '1.2.3:80',
      'a..b:80',
    ],
  },
  network: {
    parse: addresses.parseNetwork,
    right: ['10.0.0.0/8', 'fd00::/8', '::/0', '0.0.0.0/0', '127.0.0.6', 'FE80::1', '::ffff:10.0.0.0/104'],
    wrong: ['300.1.1.1/8', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/08', '1::2::3/8', '10.0.0/8', 'fe80::1%eth0'],
  },
  backend: {
    parse: addresses.parseUpstream,
    right: [
      'http://panel:5006',
      'HTTPS://a.example',
      'http://[::1]:8888/',
      'http://10.0.0.1',
      'http://my_app.ns.svc:80',
    ],
    wrong: ['http://a:0', 'http://a:99999', 'http://a/b', 'ws://a', 'http://1.2.3.4.5', 'http://a b', 'http://u@a'],
  },
  origin: {
    parse: addresses.parseOrigin,
    right: [
      'https://apps.example.org',
      'http://localhost:8080',
      'http://3d-viewer',
      'https://[::1]:1',
      'http://10.0.0.1',
    ],
    wrong: ['https://a/', '*', 'null', 'http://apps.0', 'http://apps.0x7f', 'http://1.2.3', 'https://a:99999'],
  },
  host: {
    parse: addresses.parseHost,
    right: ['apps.example.org', '*.Example.org', '10.0.0.1', '[::1]', 'my_host'],
    wrong: ['*', '*.*.org', 'a:80', 'a..b', '1.2.3', '*.[::1]', '-a', `${'a'.repeat(64)}`],
  },
  targets: {
    parse: addresses.parseTargets,
    right: ['10.0.0.0/8', '::1', 'unix:/run/servers', 'unix:/run/a.sock'],
    wrong: ['10.0.0.0/33', 'unix:run', 'unix:', 'http://a', 'a.example'],
  },
  url: {
    parse: addresses.parseUrl,
    right: ['http://hub:8081/hub/error', 'https://a.example', 'http://10.0.0.1:8081/', 'http://[::1]:80/x'],
    wrong: ['http://u:p@a/', 'ftp://a', 'http://a/?x', 'http://a/#x', 'hub:8081', 'http://', ''],
  },
  url_or_socket: {
    parse: addresses.parseUrlOrSocket,
    right: ['http://hub:8081/hub/error', 'http+unix://%2Frun%2Fhub.sock', 'http+unix://%2frun%2Fa%20b/hub/error/'],
    wrong: ['http+unix://run', 'http+unix://%2F%00', 'http+unix://%2Fa?x', 'unix:/run/a', 'http://u:p@a/', ''],
  },
  store: {
    parse: addresses.parseStore,
    right: ['redis://a', 'REDISS://a.example:1', 'redis://10.0.0.1:6379/', 'redis://[::1]:6379/15', 'redis://a/9999'],
    wrong: ['redis://u:p@a', 'http://a', 'redis://a/x', 'redis://a/01', 'redis://', 'redis://a:0', 'a:6379', '', 7],
  },
  user_name: {
    parse: addresses.parseUserName,
    right: ['default', 'gate:1', '!'],
    wrong: ['', 'a b', 'ä', 'a\n', 'a'.repeat(129), 7],
  },
  certificate: {
    parse: addresses.parsePair,
    right: [{ cert: 'tls.crt', key: '/run/tls.key' }],
    wrong: [
      { cert: 'c' },
      { cert: 'c', key: '' },
      { cert: 'c', key: 'k', ca: 'x' },
      'c',
      ['c', 'k'],
      { cert: 1, key: 2 },
    ],
  },
  method: {
    parse: addresses.parseMethod,
    right: ['GET', 'PROPFIND', 'M-SEARCH', 'A'.repeat(32)],
    wrong: ['get', '', 'G T', '1GET', '*', 'A'.repeat(33)],
  },
  server_name: {
    parse: addresses.parseServerName,
    right: ['backend.example.org', '10.0.0.1', '::1', 'Backend'],
    wrong: ['*.example.org', '[::1]', 'a:1', '1.2.3', 'fe80::1%eth0', ''],
  },
  path: {
    parse: addresses.parsePath,
    right: ['/', '/app', '/user/*/lab/', '/**/x', '/a%20b', '/a;v=1', '/.well-known', '/...', '/~u/@x:1'],
    wrong: [
      '//',
      '/a//b',
      '/a*',
      '/***',
      '/..',
      '/./a',
      '/..;x',
      '/%2e',
      '/%2F',
      '/%',
      '/%zz',
      '/a?b',
      '/ä',
      'a',
      '/a\\',
    ],
  },
  field_name: {
    parse: auth.parseFieldName,
    right: ['X-Forwarded-User', 'x_user', "a!#$%&'*+.^`|~9"],
    wrong: ['', 'a b', 'a:b', 'ä', 'a\r\n', 7],
  },
  service_url: {
    parse: auth.parseServiceUrl,
    right: ['http://oauth2-proxy:4180/oauth2/auth?x=1', 'HTTPS://a.example', 'http://[::1]:8080/'],
    wrong: ['ftp://a', 'http://', 'http://u:p@a/', 'http://a/#b', 'http://a b', 'http://[::1', 'http://a:99999', ''],
  },
  token_place: {
    parse: auth.parseTokenPlace,
    right: ['authorization', 'subprotocol', { header: 'X-Token' }, { cookie: 'tok' }, { query: 'access_token' }],
    wrong: ['body', { cookie: 'a b' }, { cookie: 'a', query: 'b' }, { form: 'a' }, {}, []],
  },
  claims: {
    parse: auth.parseClaims,
    right: [{ groups: ['a', 'b'], email_verified: true, level: 3, hd: 'any' }, {}],
    wrong: [[], { a: {} }, { a: [] }, { a: [{}] }, { a: null }, 'groups'],
  },
  certificate_match: {
    parse: auth.parseMatch,
    right: [{ 'subject.O': ['science'] }, { 'san.email': ['a', 'b'], 'subject.CN': ['c'] }],
    wrong: [[], {}, 'subject.O', null, { 'subject.O': 'a' }, { 'subject.O': [] }, { 'subject.O': [''] }, { cn: ['a'] }],
  },
  claim_name: { parse: auth.parseText, right: ['sub', 'https://id.test/'], wrong: ['', 7, null] },
  file: { parse: addresses.parseFile, right: ['/run/token', 'tls/a b.crt'], wrong: ['', 'a\0b'] },
};

test('every kind of value is tried', () => {
  expect(Object.keys(kinds)).toEqual(expect.arrayContaining(names.filter((name) => name !== 'name')));
});

describe.each(Object.entries(kinds))('%s', (name, { parse, right, wrong }) => {
  const taken = validator(name);
  const parsed = (value: unknown) => 'value' in parse(value);

  test('takes what people write, and refuses what is nearly that', () => {
    for (const value of right) expectEqual([value, taken(value), parsed(value)], [value, true, true]);
    for (const value of wrong) expectEqual([value, taken(value), parsed(value)], [value, false, false]);
  });

  test('takes nothing that the parser refuses', () => {
    const texts = [...right, ...wrong].filter((value): value is string => typeof value === 'string');
    const odd = fc.oneof(
      { weight: 4, arbitrary: texts.length === 0 ? fc.string() : mutated(texts) },
      fc.string({ unit: fc.constantFrom(...'0123456789abAF:./*%-_;[]smhKMGTiB') }),
      fc.constantFrom(...right, ...wrong),
      fc.double(),
      fc.integer(),
    );
    fc.assert(
      fc.property(odd, (value) => !taken(value) || parsed(value)),
      { numRuns: 3000 },
    );
  });
});

/** A text with a part taken out, doubled or replaced by a part of another one. */
function mutated(texts: readonly string[]): fc.Arbitrary<string> {
  const text = fc.constantFrom(...texts);
  const spot = fc.double({ min: 0, max: 1, noNaN: true });
  return fc.tuple(text, text, spot, spot, spot, spot).map(([base, other, a, b, c, d]) => {
    const [from, to] = [a, b].map((part) => Math.round(part * base.length)).toSorted((x, y) => x - y);
    const [start, end] = [c, d].map((part) => Math.round(part * other.length)).toSorted((x, y) => x - y);
    return base.slice(0, from) + other.slice(start, end) + base.slice(to);
  });
}
