/** The kinds of values that a key of the file can have: what is taken for one, and its shape in the JSON Schema. */
import { z } from 'zod';
import * as addresses from '../language/addresses.ts';
import * as patterns from '../language/patterns.ts';
import type { Result } from '../language/result.ts';
import * as units from '../language/units.ts';
import { parseIdentity } from './identity.ts';
import { parseReply } from './reply.ts';

/** A scalar of the file: any value goes in, the parser decides; `json` is its shape for the JSON Schema. */
export function leaf<T>(id: string, parse: (value: unknown) => Result<T>, json: Record<string, unknown>) {
  return z
    .unknown()
    .transform((value, context): T => {
      const parsed = parse(value);
      if ('value' in parsed) return parsed.value;
      context.addIssue({ code: 'custom', message: parsed.problem, path: parsed.key === undefined ? [] : [parsed.key] });
      return z.NEVER;
    })
    .meta({ id, ...json });
}

/** An optional key with its description and what holds without it. */
export function setting<S extends z.ZodType>(schema: S, description: string, builtInValue?: unknown) {
  const meta = builtInValue === undefined ? { description } : { description, builtIn: builtInValue };
  return schema.optional().meta(meta);
}

const text = (pattern: string, description: string) => ({ type: 'string', pattern, description });

const matching = (pattern: string) => ({ type: 'string', pattern: `^(${pattern})$` });

/** A text in which a host stands: an IPv6 address in brackets, an IPv4 address, or a name. */
export function withHost(before: string, after: string, name: object = {}) {
  const { hostname, ipv4, ipv6, longestHostname, nameNotNumbers } = patterns;
  return [
    matching(`${before}\\[${ipv6}\\]${after}`),
    matching(`${before}${ipv4}${after}`),
    {
      ...matching(`${before}${hostname}${after}`),
      // The whole text, so that what stands around the name never lets a longer one pass.
      maxLength: longestHostname,
      allOf: [{ pattern: `^${before}[0-9.]*${nameNotNumbers}` }, name],
    },
  ];
}
/** `unix:` begins a socket's path, whatever follows. Validators in Go know no lookahead. */
const notUnix = { pattern: '^([^u]|u[^n]|un[^i]|uni[^x]|unix[^:])' };
const bytes = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
const unlimited = { const: 'unlimited' };

function bucket(pattern: string, burst: object, more: object) {
  const rate = { type: 'string', pattern };
  const properties = { rate, burst, ...more };
  return [rate, { type: 'object', properties, required: ['rate'], additionalProperties: false }];
}

const sizeText = { type: 'string', pattern: units.sizePattern };
const count = { type: 'integer', minimum: 1, maximum: 1_000_000_000 };
const action = { action: { enum: ['pause', 'close'] } };

/** As for an origin: what URLs would read as a broken IPv4 address is no name. */
const httpUrl = withHost('[Hh][Tt][Tt][Pp][Ss]?://', `(:${patterns.port})?(/[A-Za-z0-9._~/-]*)?`, {
  pattern: '^[^:]*://([^/]*[.])?([A-Za-z_]|[1-9][0-9]*[A-Za-z_-]|0[0-9]*[A-WYZa-wyz_-])[A-Za-z0-9_-]*(:[0-9]+)?(/|$)',
});

/** The kinds of values. Their names are those of the reference. */
export const kind = {
  size: leaf('size', units.parseSize, {
    description: '`20MiB` (1024), `20MB` (1000) or a number of bytes',
    anyOf: [sizeText, bytes],
  }),
  sizeOrUnlimited: leaf('size_or_unlimited', units.parseSizeOrUnlimited, {
    description: 'a size, or `unlimited`',
    anyOf: [sizeText, bytes, unlimited],
  }),
  duration: leaf('duration', units.parseDuration, {
    description: '`500ms`, `30s`, `5m` or `1h`; `0` or `off` disables',
    anyOf: [{ type: 'string', pattern: units.durationPattern }, { const: 0 }],
  }),
  finiteDuration: leaf('finite_duration', units.parseFiniteDuration, {
    description: '`500ms`, `30s`, `5m` or `1h`; it cannot be turned off',
    type: 'string',
    pattern: units.finiteDurationPattern,
  }),
  count: leaf('count', units.parseCount, { description: 'a whole number from 1', ...count }),
  countOrUnlimited: leaf('count_or_unlimited', units.parseCountOrUnlimited, {
    description: 'a count, or `unlimited`',
    anyOf: [count, unlimited],
  }),
  messageRate: leaf('message_rate', (value) => units.parseRate(value, 'messages'), {
    description: '`100/s`, or `{rate: 100/s, burst: 200, action: pause}` (or `close`), or `unlimited`',
    anyOf: [...bucket(units.countRatePattern, count, action), unlimited],
  }),
  byteRate: leaf('byte_rate', (value) => units.parseRate(value, 'bytes'), {
    description: '`10MiB/s`, or `{rate: 10MiB/s, burst: 20MiB, action: pause}` (or `close`), or `unlimited`',
    anyOf: [...bucket(units.byteRatePattern, { anyOf: [sizeText, bytes] }, action), unlimited],
  }),
  controlRate: leaf('control_rate', units.parseControlRate, {
    description: '`50/s`, or `{rate: 50/s, burst: 200}`; beyond it the connection is closed',
    anyOf: bucket(units.countRatePattern, count, {}),
  }),
  address: leaf('address', addresses.parseListenAddress, {
    description:
      '`0.0.0.0:8080`, `[::]:8080` or `unix:/run/sluice.sock` (the public one for user and group, mode 0660, the admin port for the user alone, 0600); port 0 takes a free one',
    anyOf: [matching(`unix:${patterns.socketPath}`), ...withHost('', `:${patterns.listenPort}`, notUnix)],
  }),
  depth: leaf('depth', units.parseDepth, {
    description: 'a whole number from 1 to 1000',
    type: 'integer',
    minimum: 1,
    maximum: 1000,
  }),
  reply: leaf('reply', parseReply, { description: 'a mapping, of at most 1024 bytes as JSON', type: 'object' }),
  network: leaf('network', addresses.parseNetwork, {
    description: '`10.0.0.0/8`, `fd00::/8` or one address; `::/0` is every address, of IPv4 too',
    anyOf: [
      matching(`${patterns.ipv4}(/${patterns.upTo(32)})?`),
      matching(`${patterns.ipv6}(/${patterns.upTo(128)})?`),
    ],
  }),
  upstream: leaf('backend', addresses.parseUpstream, {
    description: '`http://host:port` or `https://host:port`, without a path',
    anyOf: withHost('[Hh][Tt][Tt][Pp][Ss]?://', `(:${patterns.port})?/?`),
  }),
  store: leaf('store', addresses.parseStore, {
    description: '`redis://host:port` or, over TLS, `rediss://host:port`; `/2` behind it is the number of a database',
    anyOf: withHost('[Rr][Ee][Dd][Ii][Ss][Ss]?://', `(:${patterns.port})?(/${patterns.database}?)?`),
  }),
  origin: leaf('origin', addresses.parseOrigin, {
    description: '`https://apps.example.org`: scheme, host and port, nothing else',
    // What browsers would read as an IPv4 address is no name: the last label has a letter, and is not hexadecimal.
    anyOf: withHost('[Hh][Tt][Tt][Pp][Ss]?://', `(:${patterns.listenPort})?`, {
      pattern: '[/.]([A-Za-z_]|[1-9][0-9]*[A-Za-z_-]|0[0-9]*[A-WYZa-wyz_-])[A-Za-z0-9_-]*(:[0-9]+)?$',
    }),
  }),
  host: leaf('host', addresses.parseHost, {
    description: '`apps.example.org`, or `*.example.org` for every name below',
    anyOf: [...withHost('', '').slice(0, 1), ...withHost('([*][.])?', '').slice(1)],
  }),
  method: leaf('method', addresses.parseMethod, {
    description: '`GET`: a method of HTTP, in capitals',
    ...matching(patterns.method),
    maxLength: patterns.longestMethod,
  }),
  path: leaf('path', addresses.parsePath, {
    description: '`/app`: whole segments; `*` is any one, `**` any number of them',
    type: 'string',
    allOf: Object.values(patterns.path).map((pattern) => ({ pattern })),
  }),
  serverName: leaf('server_name', addresses.parseServerName, {
    description: '`backend.example.org`, or an address',
    anyOf: [matching(patterns.ipv6), ...withHost('', '').slice(1)],
  }),
  prefixLength: leaf('prefix_length', units.parsePrefixLength, {
    description: 'a number of bits from 1 to 128',
    type: 'integer',
    minimum: 1,
    maximum: 128,
  }),
  file: leaf('file', addresses.parseFile, {
    ...text('^[^\\x00]+$', 'the path of a file, from the working directory where it does not begin with `/`'),
    minLength: 1,
  }),
  pair: leaf('certificate', addresses.parsePair, {
    description:
      '`{cert: tls.crt, key: tls.key}`: the paths of a certificate with its chain, and of its private key, PEM',
    type: 'object',
    properties: {
      cert: { type: 'string', pattern: '^[^\\x00]+$', minLength: 1 },
      key: { type: 'string', pattern: '^[^\\x00]+$', minLength: 1 },
    },
    required: ['cert', 'key'],
    additionalProperties: false,
  }),
  identity: leaf('identity', parseIdentity, {
    description: '`{header: X-Forwarded-User}` or `{path: /user/*/}`',
    anyOf: [
      {
        type: 'object',
        properties: {
          header: {
            type: 'string',
            pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
          },
        },
        required: ['header'],
        additionalProperties: false,
      },
      {
        type: 'object',
        properties: {
          path: {
            type: 'string',
            allOf: [...Object.values(patterns.path), '^(/[^*/]+)*/\\*(/[^*/]*)*$'].map((pattern) => ({ pattern })),
          },
        },
        required: ['path'],
        additionalProperties: false,
      },
    ],
  }),
  share: leaf('share', units.parseShare, {
    description: '`all`, `none`, or a percentage such as `10%`',
    type: 'string',
    pattern: units.sharePattern,
  }),
  requestRate: leaf('request_rate', units.parseLineRate, {
    description: '`100/s`, or `{rate: 100/s, burst: 1000}`, or `unlimited`; what is beyond it is refused',
    anyOf: [...bucket(units.countRatePattern, count, {}), unlimited],
  }),
  lineRate: leaf('line_rate', units.parseLineRate, {
    description: '`100/s`, or `{rate: 100/s, burst: 1000}`, or `unlimited`; what is beyond it is left out and counted',
    anyOf: [...bucket(units.countRatePattern, count, {}), unlimited],
  }),
  url: leaf('url', addresses.parseUrl, {
    description: '`http://host:port/path` or `https://…`',
    anyOf: httpUrl,
  }),
  urlOrSocket: leaf('url_or_socket', addresses.parseUrlOrSocket, {
    description: '`http://host:port/path`, `https://…`, or `http+unix://%2Frun%2Fhub.sock/path` on a unix socket',
    anyOf: [...httpUrl, matching(patterns.socketUrl)],
  }),
  targets: leaf('targets', addresses.parseTargets, {
    description:
      '`10.0.0.0/8`, `fd00::/8`, one address, or `unix:/run/servers` for the sockets in a folder and below it',
    anyOf: [
      matching(`${patterns.ipv4}(/${patterns.upTo(32)})?`),
      matching(`${patterns.ipv6}(/${patterns.upTo(128)})?`),
      matching(`unix:${patterns.socketPath}`),
    ],
  }),
  userName: leaf(
    'user_name',
    addresses.parseUserName,
    text('^[!-~]{1,128}$', 'the name of a user, in ASCII without blanks'),
  ),
  name: leaf(
    'name',
    parseName,
    text('^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$', 'letters, digits, `-`, `_` and `.`; at most 63'),
  ),
};

function parseName(value: unknown): Result<string> {
  if (typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(value)) return { value };
  return { problem: 'is not a name; write letters, digits, -, _ and ., at most 63' };
}
