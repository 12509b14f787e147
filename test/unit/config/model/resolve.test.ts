import { describe, expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import type { Preset } from '../../../../src/config/model/preset.ts';
import { presetNames, presets } from '../../../../src/config/model/presets.ts';
import type { Resolved } from '../../../../src/config/model/resolved.ts';
import type { Config } from '../../../../src/config/types.ts';
import { anyCaps, anyRate, openAccess } from '../../../helpers/access.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

function load(text: string): { config: Config; resolved: Resolved } {
  const loaded = loadConfig('f', text);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return loaded;
}

test('what is built in', () => {
  const [route] = load('routes: [{name: a, upstream: "http://h"}]').config.routes;
  const both = {
    maxFrameBytes: Number.POSITIVE_INFINITY,
    maxFragments: 16_384,
    messageTimeoutMs: 600_000,
    messageRate: null,
    byteRate: null,
    controlRate: { perSecond: 50, burst: 200, action: 'close' },
    maxBufferBytes: 256 * KiB,
    maxQueue: 64,
    maxPauseMs: 30_000,
  };
  expect(route).toEqual({
    name: 'a',
    label: 'a',
    hosts: [],
    path: '/',
    upstream: { protocol: 'http:', host: 'h', port: 80, href: 'http://h' },
    upstreamTls: { ca: null, serverName: null, clientCert: null, clientKey: null, insecureSkipVerify: false },
    preset: null,
    origins: null,
    fingerprint: expect.any(String),
    requireOrigin: false,
    identity: null,
    auth: null,
    identityHeaders: { user: null, groups: null },
    validate: { client: null, upstream: null },
    access: openAccess,
    rates: anyRate,
    limits: {
      mode: 'enforce',
      client: { ...both, maxMessageBytes: 10 * MiB },
      upstream: { ...both, maxMessageBytes: Number.POSITIVE_INFINITY },
    },
    connections: anyCaps,
    ping: { clientMs: 20_000, upstreamMs: 0, timeoutMs: 20_000 },
    idleTimeoutMs: 0,
    maxLifetimeMs: 0,
    drain: { close: 'spread', protect: 'client', spreadMs: 30_000, deadlineMs: 60_000 },
    http: { maxBodyBytes: 512 * MiB, inactivityMs: 3_600_000, maxUpstreamConnections: 1024 },
    timeouts: { connectMs: 5000, headersMs: 10_000, handshakeMs: 240_000, closeMs: 10_000 },
  });
});

describe('presets', () => {
  const seconds = 1000;
  const minutes = 60 * seconds;
  // Message limit, how long output may be stuck, how long a silent client is borne after Sluice's ping.
  test.each([
    ['panel', 20 * MiB, 15 * minutes, 15 * minutes],
    ['bokeh', 20 * MiB, 15 * minutes, 15 * minutes],
    ['panel-fastapi', 16 * MiB, 50 * seconds, 5 * minutes],
    ['jupyter', 10 * MiB, 130 * seconds, 100 * seconds],
    ['jupyter-collaboration', 1024 * MiB, 15 * minutes, 15 * minutes],
    ['voila', 10 * MiB, 130 * seconds, 100 * seconds],
    ['jupyter-server-proxy', 10 * MiB, 15 * minutes, 15 * minutes],
    ['tornado', 10 * MiB, 15 * minutes, 15 * minutes],
    ['fastapi', 16 * MiB, 50 * seconds, 20 * seconds],
    ['uvicorn', 16 * MiB, 50 * seconds, 20 * seconds],
    ['websockets', MiB, 15 * minutes, 20 * seconds],
    ['aiohttp', 4 * MiB - 1, 15 * minutes, 15 * minutes],
    ['streamlit', 25_000_000, 70 * seconds, 40 * seconds],
    ['shiny', 16 * MiB, 50 * seconds, 5 * minutes],
    ['solara', 16 * MiB, 50 * seconds, 20 * seconds],
    ['marimo', 16 * MiB, 71 * seconds, 41 * seconds],
    ['gradio', 16 * MiB, 50 * seconds, 20 * seconds],
    ['dash', 16 * MiB, 50 * seconds, 20 * seconds],
    ['code-server', 256 * MiB, 15 * minutes, 15 * minutes],
    ['dask', 100 * MiB, 15 * minutes, 15 * minutes],
  ])('%s', (preset, maxMessageBytes, maxPauseMs, timeoutMs) => {
    expect(load(`routes: [{name: a, upstream: "http://h", preset: ${preset}}]`).config.routes[0]).toMatchObject({
      preset,
      limits: {
        client: { maxMessageBytes, maxPauseMs: 60 * minutes },
        upstream: { maxMessageBytes: Number.POSITIVE_INFINITY, maxPauseMs },
      },
      ping: { clientMs: 20_000, upstreamMs: 0, timeoutMs },
    });
  });

  test('pages that die with their connection are left alone by a drain', () => {
    const waiting = presetNames.filter((name) => (presets[name] as Preset).settings['drain.close'] === 'wait');
    expect(waiting).toEqual(['panel', 'bokeh', 'panel-fastapi', 'shiny', 'dask']);
  });

  test('Jupyter keeps its output through a drain', () => {
    const of = (preset: string) => load(`routes: [{name: a, upstream: "http://h", preset: ${preset}}]`).config.routes;
    expect(of('jupyter').map((route) => route.drain.protect)).toEqual(['upstream', 'upstream']);
    expect(of('panel')[0]!.drain.protect).toBe('client');
  });

  test('the list above is complete', () => {
    expect(presetNames).toHaveLength(20);
  });
});

test('a route comes before its preset, that before defaults, those before what is built in; each value says so', () => {
  const { resolved } = load(
    [
      'defaults:',
      '  limits:',
      '    client: {max_message_size: 1MiB, max_pause: 5s, max_queue: 7}',
      'routes:',
      '  - name: a',
      '    upstream: http://h',
      '    preset: panel',
      '    limits:',
      '      client:',
      '        max_pause: 9s',
    ].join('\n'),
  );
  const [{ settings, sources, overridden }] = resolved.routes as [Resolved['routes'][number]];
  const of = (key: 'max_pause' | 'max_message_size' | 'max_queue' | 'max_fragments') =>
    [settings[`limits.client.${key}`], sources[`limits.client.${key}`]] as const;
  expect(of('max_pause')).toEqual([9000, { from: 'route', file: 'f', line: 10 }]);
  expect(of('max_message_size')).toEqual([20 * MiB, { from: 'preset', preset: 'panel' }]);
  expect(of('max_queue')).toEqual([7, { from: 'defaults', file: 'f', line: 3 }]);
  expect(of('max_fragments')).toEqual([16_384, { from: 'built in' }]);
  expect(overridden).toEqual([{ key: 'limits.client.max_message_size', file: 'f', line: 3 }]);
});

test('every section of a route and of the top reaches the configuration', () => {
  const { config, resolved } = load(
    [
      'listen: {address: "unix:/run/s.sock", trusted_proxies: [10.0.0.0/8], proxy_protocol: [10.9.0.0/16], ipv6_prefix: 56, tls: {cert: c.pem, key: k.pem, certificates: [{cert: d.pem, key: l.pem}], client_certificates: {ca: ca.pem, crl: crl.pem, required: false}}}',
      'admin: {address: 0.0.0.0:9999, token_file: /run/token}',
      'memory: {max_buffered: 64MiB}',
      'drain: {announce: 16s, spread: 17s, deadline: 18s}',
      'timeouts: {connect: 1s, headers: 2s, handshake: off, close: 4s}',
      'routes:',
      '  - name: a',
      '    match: {hosts: [A.org], path: /x/}',
      '    upstream: https://h',
      '    origins: [https://a.org]',
      '    require_origin: true',
      '    rates: {handshakes_per_address: 5/s, requests_per_address: {rate: 7/s, burst: 70}, handshakes_per_user: 6/s, requests_per_user: 8/s}',
      '    access: {networks: {allow: [10.0.0.0/8], deny: [10.1.0.0/16]}, hosts: {allow: ["*.B.org"], deny: [x.b.org]}, methods: {allow: [GET], deny: [PUT]}}',
      '    limits:',
      '      mode: report',
      '      client: {max_frame_size: 1KiB, max_fragments: 2, message_timeout: 3s, max_message_rate: 4/s, max_byte_rate: 5B/s, max_control_rate: 6/s, max_buffer_size: 7KiB, max_queue: 8, max_pause: off}',
      '      upstream: {max_message_size: 9KiB, max_message_rate: unlimited}',
      '      connections: {max: 10, max_per_address: 11, max_per_user: 12, on_limit: evict_oldest}',
      '    ping: {client: off, upstream: 12s, timeout: 13s}',
      '    idle_timeout: 14s',
      '    max_lifetime: 15s',
      '    drain: {close: wait, protect: upstream, spread: 19s}',
      '    http: {max_body_size: unlimited, inactivity: off, max_upstream_connections: 20}',
      '    upstream_tls: {ca: ca.pem, server_name: B.org, client_cert: c.pem, client_key: k.pem, insecure_skip_verify: true}',
    ].join('\n'),
  );
  expect(config.listen).toEqual({
    address: { kind: 'unix', path: '/run/s.sock' },
    tls: {
      cert: 'c.pem',
      key: 'k.pem',
      certificates: [{ cert: 'd.pem', key: 'l.pem' }],
      clients: { ca: 'ca.pem', crl: 'crl.pem', isRequired: false },
    },
    trustedProxies: ['10.0.0.0/8'],
    proxyProtocol: ['10.9.0.0/16'],
    ipv6Prefix: 56,
  });
  expect(config.admin).toEqual({ address: { kind: 'tcp', host: '0.0.0.0', port: 9999 }, tokenFile: '/run/token' });
  expect(config.memory).toEqual({ maxBufferedBytes: 64 * MiB });
  expect(config.drain).toEqual({ announceMs: 16_000 });
  expect(config.routes[0]).toEqual({
    name: 'a',
    label: 'a',
    hosts: ['a.org'],
    path: '/x/',
    upstream: { protocol: 'https:', host: 'h', port: 443, href: 'https://h' },
    upstreamTls: {
      ca: 'ca.pem',
      serverName: 'b.org',
      clientCert: 'c.pem',
      clientKey: 'k.pem',
      insecureSkipVerify: true,
    },
    preset: null,
    origins: ['https://a.org'],
    fingerprint: expect.any(String),
    requireOrigin: true,
    identity: null,
    auth: null,
    identityHeaders: { user: null, groups: null },
    validate: { client: null, upstream: null },
    access: {
      networks: { allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] },
      hosts: { allow: ['*.b.org'], deny: ['x.b.org'] },
      methods: { allow: ['GET'], deny: ['PUT'] },
    },
    rates: {
      handshakesPerAddress: { perSecond: 5, burst: 5, action: 'close' },
      requestsPerAddress: { perSecond: 7, burst: 70, action: 'close' },
      handshakesPerUser: { perSecond: 6, burst: 6, action: 'close' },
      requestsPerUser: { perSecond: 8, burst: 8, action: 'close' },
    },
    limits: {
      mode: 'report',
      client: {
        maxMessageBytes: 10 * MiB,
        maxFrameBytes: KiB,
        maxFragments: 2,
        messageTimeoutMs: 3000,
        messageRate: { perSecond: 4, burst: 4, action: 'pause' },
        byteRate: { perSecond: 5, burst: 5, action: 'pause' },
        controlRate: { perSecond: 6, burst: 6, action: 'close' },
        maxBufferBytes: 7 * KiB,
        maxQueue: 8,
        maxPauseMs: 0,
      },
      upstream: expect.objectContaining({ maxMessageBytes: 9 * KiB, messageRate: null }),
    },
    connections: { max: 10, maxPerAddress: 11, maxPerUser: 12, onLimit: 'evict_oldest' },
    ping: { clientMs: 0, upstreamMs: 12_000, timeoutMs: 13_000 },
    idleTimeoutMs: 14_000,
    maxLifetimeMs: 15_000,
    drain: { close: 'wait', protect: 'upstream', spreadMs: 19_000, deadlineMs: 18_000 },
    http: { maxBodyBytes: Number.POSITIVE_INFINITY, inactivityMs: 0, maxUpstreamConnections: 20 },
    timeouts: { connectMs: 1000, headersMs: 2000, handshakeMs: 0, closeMs: 4000 },
  });
  expect(resolved.sources.get('admin.address')).toEqual({ from: 'file', file: 'f', line: 2 });
  expect(resolved.routes[0]!.sources['drain.deadline']).toEqual({ from: 'file', file: 'f', line: 4 });
});

test('what defaults say of a drain overrides the top of the file, and pages that die with their connection wait', () => {
  const { config } = load(
    'drain: {spread: 1s, deadline: 2s}\ndefaults: {drain: {spread: 3s}}\nroutes: [{name: a, upstream: "http://h", preset: panel}]',
  );
  expect(config.routes[0]!.drain).toEqual({ close: 'wait', protect: 'client', spreadMs: 3000, deadlineMs: 2000 });
});

test('a route turns off a rate of defaults with unlimited', () => {
  const { config } = load(
    'defaults: {limits: {client: {max_message_rate: 5/s}}}\nroutes: [{name: a, upstream: "http://h", limits: {client: {max_message_rate: unlimited}}}]',
  );
  expect(config.routes[0]!.limits.client.messageRate).toBeNull();
});

describe('the rooms that preset jupyter brings', () => {
  const lab =
    '{name: lab, match: {hosts: [a.org, b.org], path: /user/}, upstream: "http://h", preset: jupyter, limits: {client: {max_message_size: 64MiB, max_queue: 9}, connections: {max: 5}}}';

  test('a route below the path with its 1 GiB, and all else from the route above', () => {
    const { config, resolved } = load(`routes: [${lab}]`);
    expect(config.routes).toHaveLength(2);
    expect(config.routes[1]).toMatchObject({
      name: 'lab-rooms',
      hosts: ['a.org', 'b.org'],
      path: '/user/**/api/collaboration/room/',
      upstream: config.routes[0]!.upstream,
      preset: 'jupyter-collaboration',
      limits: { client: { maxMessageBytes: 1024 * MiB, maxQueue: 9, maxPauseMs: 3_600_000 } },
      connections: { max: 5 },
    });
    expect(resolved.routes.map(({ broughtBy }) => broughtBy)).toEqual([null, 'lab']);
    expect(config.routes.map(({ label }) => label)).toEqual(['lab', 'lab']);
  });

  test('at the top the pattern has no double slash', () => {
    const { config } = load('routes: [{name: lab, upstream: "http://h", preset: jupyter}]');
    expect(config.routes[1]!.path).toBe('/**/api/collaboration/room/');
    expect(config.routes[1]!.hosts).toEqual([]);
  });

  test('a route of the file with the same pattern takes their place, host by host', () => {
    const own = (hosts: string, name: string) =>
      `{name: ${name}, match: {hosts: ${hosts}, path: /user/**/api/collaboration/room}, upstream: "http://h"}`;
    expect(
      load(`routes: [${lab}, ${own('[b.org, a.org]', 'lab-rooms')}]`).config.routes.map(({ name }) => name),
    ).toEqual(['lab', 'lab-rooms']);
    const some = load(`routes: [${lab}, ${own('[b.org]', 'mine')}]`).config.routes;
    expect(some.map(({ name, hosts }) => [name, hosts])).toEqual([
      ['lab', ['a.org', 'b.org']],
      ['lab-rooms', ['a.org']],
      ['mine', ['b.org']],
    ]);
  });

  test('no other preset brings a route', () => {
    for (const preset of presetNames.filter((name) => name !== 'jupyter')) {
      expect(load(`routes: [{name: a, upstream: "http://h", preset: ${preset}}]`).config.routes).toHaveLength(1);
    }
  });
});
