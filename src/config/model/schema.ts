/**
 * The one source of the configuration's keys. Parsing, the JSON Schema and docs/configuration.md come from here;
 * what a value must look like is in `units.ts` and `addresses.ts`.
 */
import { z } from 'zod';
import * as addresses from '../language/addresses.ts';
import { formatCount, formatDuration, formatRate, formatShare, formatSize } from '../language/format.ts';
import * as patterns from '../language/patterns.ts';
import type { Parsed } from '../language/units.ts';
import * as units from '../language/units.ts';
import type { Sender } from '../types.ts';
import { parseIdentity } from './identity.ts';
import { presetNames } from './presets.ts';
import { builtIn, builtInAnnounceMs, builtInIpv6Prefix, builtInLog, builtInTimeouts } from './settings.ts';

/** A scalar of the file: any value goes in, the parser decides; `json` is its shape for the JSON Schema. */
function leaf<T>(id: string, parse: (value: unknown) => Parsed<T>, json: Record<string, unknown>) {
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

const text = (pattern: string, description: string) => ({ type: 'string', pattern, description });

const matching = (pattern: string) => ({ type: 'string', pattern: `^(${pattern})$` });

/** A text in which a host stands: an IPv6 address in brackets, an IPv4 address, or a name. */
function withHost(before: string, after: string, name: object = {}) {
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

/** The kinds of values. Their names are those of the reference. */
const kind = {
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
    anyOf: [matching(`unix:${patterns.socketPath}`), ...withHost('', `:${patterns.listenPort}`)],
  }),
  network: leaf('network', addresses.parseNetwork, {
    description: '`10.0.0.0/8`, `fd00::/8` or one address',
    anyOf: [
      matching(`${patterns.ipv4}(/${patterns.upTo(32)})?`),
      matching(`${patterns.ipv6}(/${patterns.upTo(128)})?`),
    ],
  }),
  upstream: leaf('backend', addresses.parseUpstream, {
    description: '`http://host:port` or `https://host:port`, without a path',
    anyOf: withHost('[Hh][Tt][Tt][Pp][Ss]?://', `(:${patterns.port})?/?`),
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
  lineRate: leaf('line_rate', units.parseLineRate, {
    description: '`100/s`, or `{rate: 100/s, burst: 1000}`, or `unlimited`; what is beyond it is left out and counted',
    anyOf: [...bucket(units.countRatePattern, count, {}), unlimited],
  }),
  name: leaf(
    'name',
    parseName,
    text('^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$', 'letters, digits, `-`, `_` and `.`; at most 63'),
  ),
};

function parseName(value: unknown): Parsed<string> {
  if (typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(value)) return { value };
  return { problem: 'is not a name; write letters, digits, -, _ and ., at most 63' };
}

/** An optional key with its description and what holds without it. */
function setting<S extends z.ZodType>(
  schema: S,
  description: string,
  builtInValue?: string | number | boolean | object,
) {
  const meta = builtInValue === undefined ? { description } : { description, builtIn: builtInValue };
  return schema.optional().meta(meta);
}

const other = { client: 'upstream', upstream: 'client' } as const;

function senderLimits(sender: Sender) {
  const receiver = other[sender];
  const control = builtIn[`limits.${sender}.max_control_rate`];
  const of = <K extends string>(key: K) => `limits.${sender}.${key}` as const;
  return z.strictObject({
    max_message_size: setting(
      kind.sizeOrUnlimited,
      'The largest message: the payload of all its fragments together, inclusive. A larger one is refused at the frame header that crosses it, with 1009.',
      formatSize(builtIn[of('max_message_size')]),
    ),
    max_frame_size: setting(
      kind.sizeOrUnlimited,
      'The largest single frame, inclusive; 1009. Left out, a frame may be as large as a message.',
      formatSize(builtIn[of('max_frame_size')]),
    ),
    max_fragments: setting(
      kind.count,
      'The most fragments of one message; 1008. Chromium cuts 150 MB into 1146.',
      builtIn[of('max_fragments')],
    ),
    message_timeout: setting(
      kind.duration,
      'The longest time from the first to the last byte of a message; 1008. It stands still while Sluice pauses this sender.',
      formatDuration(builtIn[of('message_timeout')]),
    ),
    max_message_rate: setting(
      kind.messageRate,
      "Messages per second, as a token bucket; `burst` is one second's worth unless set. `pause` reads later, `close` ends with 1008.",
      formatRate(builtIn[of('max_message_rate')], 'messages'),
    ),
    max_byte_rate: setting(
      kind.byteRate,
      'Payload bytes per second, likewise.',
      formatRate(builtIn[of('max_byte_rate')], 'bytes'),
    ),
    max_control_rate: setting(
      kind.controlRate,
      'Pings, pongs and close frames per second; a flood is closed with 1008. Enforced in `mode: report` too.',
      { rate: `${control.perSecond}/s`, burst: control.burst },
    ),
    max_buffer_size: setting(
      kind.size,
      `Bytes from the ${sender} that the ${receiver} has not taken yet. At this size the ${sender} is paused until a quarter is left; one read may overshoot it.`,
      formatSize(builtIn[of('max_buffer_size')]),
    ),
    max_queue: setting(
      kind.count,
      `Messages, whole or partial, in that buffer. At this number the ${sender} is paused; the messages of one read may overshoot it.`,
      builtIn[of('max_queue')],
    ),
    max_pause: setting(
      kind.duration,
      `The longest time without any progress towards the ${receiver} while the ${sender} is paused; then the connection ends as \`slow_receiver\`. A slow ${receiver} that keeps reading lives.`,
      formatDuration(builtIn[of('max_pause')]),
    ),
  });
}

/** What routes and `defaults` have in common. */
const shared = {
  limits: setting(
    z.strictObject({
      mode: setting(
        z.enum(['enforce', 'report']),
        '`report` counts and logs what message, frame, fragment, message-time and rate limits would have refused, and lets it pass. Buffers, queues, pauses, control floods and connection caps are always enforced.',
        builtIn['limits.mode'],
      ),
      client: setting(senderLimits('client'), 'What the client may send.'),
      upstream: setting(senderLimits('upstream'), 'What the upstream may send.'),
      connections: setting(
        z.strictObject({
          max: setting(
            kind.count,
            'Open connections of the route; one more is refused with 503.',
            builtIn['limits.connections.max'],
          ),
          max_per_address: setting(
            kind.countOrUnlimited,
            'Open connections of one client address on the route (of IPv6: of one network, see `listen.ipv6_prefix`); one more is refused with 429. Behind a proxy this needs `listen.trusted_proxies`.',
            formatCount(builtIn['limits.connections.max_per_address']),
          ),
        }),
        'How many connections there may be.',
      ),
    }),
    'Limits. Each is named after the sender that it binds; sizes count payload bytes.',
  ),
  ping: setting(
    z.strictObject({
      client: setting(
        kind.duration,
        'How often the client is pinged. It keeps load balancers from cutting a quiet connection.',
        formatDuration(builtIn['ping.client']),
      ),
      upstream: setting(
        kind.duration,
        'How often the upstream is pinged. JupyterHub and jupyter-server-proxy take a ping for user activity: leave it off before them, TCP keepalive watches that leg.',
        formatDuration(builtIn['ping.upstream']),
      ),
      timeout: setting(
        kind.duration,
        'How long a ping may stay unanswered. Any byte from the peer answers it.',
        formatDuration(builtIn['ping.timeout']),
      ),
    }),
    'Heartbeats. Sluice answers and sends pings itself, leg by leg.',
  ),
  idle_timeout: setting(
    kind.duration,
    'Ends a connection (1001) that has carried no data message in either direction for so long. Some apps send their heartbeats as data, and never count as idle.',
    formatDuration(builtIn.idle_timeout),
  ),
  max_lifetime: setting(
    kind.duration,
    'Ends a connection (1012, clients come back) at this age, with a random part so that not all end at once.',
    formatDuration(builtIn.max_lifetime),
  ),
  drain: setting(
    z.strictObject({
      close: setting(
        z.enum(['spread', 'wait']),
        '`spread`: each connection is closed (1012) at a random moment within `spread`, idle ones first, and its client comes back elsewhere. `wait`: it is left alone until it ends by itself or `deadline` comes; for pages that die with their connection, as those of Panel and Bokeh do.',
        builtIn['drain.close'],
      ),
      spread: setting(
        kind.duration,
        "The window over which the closes are spread, so that clients do not come back all at once. Left out, the file's own `drain.spread`.",
        formatDuration(builtIn['drain.spread']),
      ),
      deadline: setting(
        kind.finiteDuration,
        "When what is left is cut, counted from the signal. Left out, the file's own `drain.deadline`.",
        formatDuration(builtIn['drain.deadline']),
      ),
      protect: setting(
        z.enum(['client', 'upstream']),
        'Whose messages a drain (shutdown, `max_lifetime`) loses none of: two connections cannot be closed in the same instant. `client`: the client is closed first, and what it sends until it answers is relayed. `upstream`: the upstream is closed first, and what it sends until it answers is relayed; Jupyter keeps later output for the client that comes back.',
        builtIn['drain.protect'],
      ),
    }),
    'How a connection is drained when the gateway is taken away.',
  ),
  http: setting(
    z.strictObject({
      max_body_size: setting(
        kind.sizeOrUnlimited,
        'The largest body of a plain HTTP request; 413. It does not limit WebSocket messages.',
        formatSize(builtIn['http.max_body_size']),
      ),
      inactivity: setting(
        kind.duration,
        'Ends a plain HTTP exchange in which neither side has sent a byte for so long. Long polls, event streams and slow exports stay quiet for minutes.',
        formatDuration(builtIn['http.inactivity']),
      ),
      max_upstream_connections: setting(
        kind.count,
        'Connections to the backend for plain HTTP; a long poll or an event stream holds one for as long as it lasts. Beyond it as many requests wait for `timeouts.connect`, in their order, and then get 503.',
        builtIn['http.max_upstream_connections'],
      ),
    }),
    'Plain HTTP requests on the same route.',
  ),
  upstream_tls: setting(
    z.strictObject({
      ca: setting(
        kind.file,
        'The authorities that may vouch for the backend, PEM: those of a private CA, or the very certificate of a backend that signed its own. Left out, the public ones.',
      ),
      server_name: setting(
        kind.serverName,
        "The name that the backend's certificate must hold, and that is asked for (SNI). Left out, the host of `upstream`.",
      ),
      client_cert: setting(
        kind.file,
        "Sluice's own certificate and its chain, PEM, for a backend that asks for one (mutual TLS).",
      ),
      client_key: setting(kind.file, 'Its private key, PEM.'),
      insecure_skip_verify: setting(
        z.boolean(),
        'Takes whatever certificate the backend shows, so that anybody in between can read and change everything. For trying out.',
        builtIn['upstream_tls.insecure_skip_verify'],
      ),
    }),
    'TLS towards a backend whose `upstream` begins with `https:`. The files are read again when they change.',
  ),
};

const route = z.strictObject({
  name: kind.name.meta({ description: 'The route in metrics, logs and close reasons. Unique.' }),
  match: setting(
    z.strictObject({
      hosts: setting(z.array(kind.host).min(1), 'The hosts of the request, without port. Left out, every host.'),
      path: setting(kind.path, 'The path, as a prefix that ends at a segment.', '/'),
    }),
    'Which requests take this route. Exact hosts win over wildcard hosts, those over none; then the longest path wins, a literal segment before `*` before `**`. Left out, all.',
  ),
  upstream: kind.upstream.meta({ description: "The backend. The request's path goes to it unchanged." }),
  preset: setting(
    z.enum(presetNames),
    "The backend's kind: limits and timeouts that fit it. See the table of presets.",
  ),
  origins: setting(
    z.array(kind.origin).min(1),
    'The pages that may connect, as browsers name them in `Origin`. Left out, every page may. A request without Origin passes unless `require_origin` is set.',
  ),
  require_origin: setting(z.boolean(), 'Refuses a handshake without `Origin` (403).', false),
  identity: setting(
    kind.identity,
    'Where a request names its user, for the log, the API, the status page and the violations there; nothing is allowed or refused by it, and no metric has it. A header counts only from `listen.trusted_proxies`. In a path `*` stands for the name: `/user/*/` for JupyterHub. Left out, nobody is named.',
  ),
  ...shared,
});

/** The file. */
export const configSchema = z.strictObject({
  listen: setting(
    z.strictObject({
      address: setting(kind.address, 'Where clients connect.', '0.0.0.0:8080'),
      tls: setting(
        z.strictObject({
          cert: kind.file.meta({ description: 'The certificate and its chain, PEM.' }),
          key: kind.file.meta({ description: 'Its private key, PEM.' }),
        }),
        'Serves TLS. The files are read again when they change. Left out, plain HTTP.',
      ),
      trusted_proxies: setting(
        z.array(kind.network),
        'The proxies whose `X-Forwarded-*` headers count, and that may name the user (`X-Remote-User`, `X-Forwarded-User` and others; see SECURITY.md). Without the ingress or load balancer in this list, backends see its address and `http` for every client.',
        [],
      ),
      ipv6_prefix: setting(
        kind.prefixLength,
        'How many leading bits of an IPv6 address make one client for `limits.connections.max_per_address`: a subscriber has a whole network. 128 counts single addresses.',
        builtInIpv6Prefix,
      ),
    }),
    'The public side.',
  ),
  admin: setting(
    z.strictObject({
      address: setting(
        kind.address,
        'Where metrics, health, the API and the status page are served. Anywhere but on loopback or a unix socket it needs `token_file`.',
        '127.0.0.1:9090',
      ),
      token_file: setting(
        kind.file,
        'A file that holds the token which the API asks for (`Authorization: Bearer`). /metrics, /healthz and /readyz stay open to scrapers and probes.',
      ),
    }),
    "The operators' side.",
  ),
  memory: setting(
    z.strictObject({
      max_buffered: setting(
        kind.size,
        'Bytes that the buffers of all connections may hold together. Near it, senders with more than their share are paused and new handshakes get 503; at it, the connection with the largest buffer ends with 1013. Left out, a quarter of what the container may use; an eighth with TLS. Plain HTTP requests and handshakes under way count too: a request 48 KiB, and a download whose reader is stuck 336 KiB; near the bound new requests get 503, at it the largest are cut.',
      ),
    }),
    'What all connections together may hold.',
  ),
  drain: setting(
    z.strictObject({
      announce: setting(
        kind.duration,
        'How long new connections are still accepted while /readyz already says 503, so that load balancers look elsewhere first.',
        formatDuration(builtInAnnounceMs),
      ),
      spread: setting(
        kind.duration,
        'The window over which connections are closed, where a route says nothing else.',
        formatDuration(builtIn['drain.spread']),
      ),
      deadline: setting(
        kind.finiteDuration,
        'When what is left is cut, counted from the signal, where a route says nothing else.',
        formatDuration(builtIn['drain.deadline']),
      ),
    }),
    'How the gateway is taken away, on SIGTERM or `POST /api/drain`.',
  ),
  log: setting(
    z.strictObject({
      level: setting(
        z.enum(['info', 'warn', 'error']),
        'Lines below it are not written. `warn` leaves out what is ordinary: openings, most ends, reloads, drains.',
        builtInLog.level,
      ),
      open: setting(
        kind.share,
        'Of how many connections the opening is logged (`event: open`).',
        formatShare(builtInLog.open),
      ),
      end: setting(
        kind.share,
        'Of how many connections the end is logged (`event: end`) where it is an ordinary one, level info. A connection whose opening is logged is among them where both shares are equal. Ends by a limit, and all others of level warn, are always logged.',
        formatShare(builtInLog.end),
      ),
      max_rate: setting(
        kind.lineRate,
        "How many lines of each kind clients may cause (refused and failed requests, by result; openings, ends and violations, by reason). What is beyond it is left out, counted in `sluice_log_lines_dropped_total`, and told of in one line every 10 s. `burst` is one second's worth unless set.",
        { rate: `${builtInLog.maxRate!.perSecond}/s`, burst: builtInLog.maxRate!.burst },
      ),
      user: setting(
        z.enum(['plain', 'hashed', 'off']),
        'How `identity` names users in the log: by their names, by a hash that is the same for the same name everywhere, or not at all. The API and the status page show names.',
        builtInLog.user,
      ),
    }),
    'How much is logged. Changes hold at once.',
  ),
  timeouts: setting(
    z.strictObject({
      connect: setting(
        kind.duration,
        'For a connection to an upstream: its name, TCP to one of its addresses, and TLS; 504.',
        formatDuration(builtInTimeouts.connect),
      ),
      headers: setting(
        kind.duration,
        "For a client to send its request's headers.",
        formatDuration(builtInTimeouts.headers),
      ),
      handshake: setting(
        kind.duration,
        "For the whole WebSocket handshake, the upstream's answer included; 504. An app that accepts late, after a login or a start of its own, needs more.",
        formatDuration(builtInTimeouts.handshake),
      ),
      close: setting(
        kind.finiteDuration,
        'For a peer to answer a close frame once it has left Sluice; then the socket is closed without it.',
        formatDuration(builtInTimeouts.close),
      ),
    }),
    'How long Sluice waits.',
  ),
  defaults: setting(
    z.strictObject(shared),
    "What holds for every route that does not say otherwise. A route's preset overrides it.",
  ),
  routes: z.array(route).min(1).meta({ description: 'The routes, in any order: the most specific match wins.' }),
});

/** The file's values, parsed but not yet resolved. */
export type ParsedConfig = z.output<typeof configSchema>;
/** One route of them. */
export type ParsedRoute = ParsedConfig['routes'][number];
