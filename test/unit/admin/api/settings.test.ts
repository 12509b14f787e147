import { expect, test } from 'vitest';
import { showRouteSettings, showTopSettings } from '../../../../src/admin/api/settings.ts';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { settingKeys } from '../../../../src/config/model/route-settings.ts';

function load(text: string) {
  const loaded = loadConfig('f.yaml', text);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return loaded;
}

test('every setting of a route is shown, with the value that the configuration has', () => {
  const { resolved } = load('routes: [{name: a, upstream: "http://h", preset: bokeh}]');
  const [{ route, sources, settings }] = resolved.routes as [(typeof resolved.routes)[number]];
  const shown = showRouteSettings(route, sources);
  expect(Object.keys(shown)).toEqual([...settingKeys]);
  for (const key of settingKeys) {
    const value = settings[key];
    const plain =
      value === Number.POSITIVE_INFINITY || (value === null && key.endsWith('_rate'))
        ? 'unlimited'
        : typeof value === 'object' && value !== null
          ? { per_second: value.perSecond, burst: value.burst, action: value.action }
          : value;
    expect([key, shown[key]!.value, shown[key]!.source]).toEqual([key, plain, sources[key]]);
  }
  expect(JSON.parse(JSON.stringify(shown))).toEqual(shown);
});

test('values come with their unit and the words of the file', () => {
  const { resolved } = load(
    'routes: [{name: a, upstream: "http://h", idle_timeout: 90s, limits: {client: {max_byte_rate: {rate: 1MiB/s, burst: 3MiB}}}}]',
  );
  const shown = showRouteSettings(resolved.routes[0]!.route, null);
  expect(shown.idle_timeout).toEqual({ value: 90_000, unit: 'ms', text: '90s', source: null });
  expect(shown.max_lifetime).toMatchObject({ value: 0, text: 'off' });
  expect(shown['limits.mode']).toMatchObject({ value: 'enforce', unit: 'word', text: 'enforce' });
  expect(shown['limits.client.max_byte_rate']).toMatchObject({
    ...{ value: { per_second: 1_048_576, burst: 3_145_728, action: 'pause' }, unit: 'bytes_per_second' },
    text: '1MiB/s, burst 3MiB',
  });
  expect(shown['limits.client.max_message_rate']).toMatchObject({ value: 'unlimited', text: 'unlimited' });
  expect(shown['limits.upstream.max_message_size']).toMatchObject({ value: 'unlimited', text: 'unlimited' });
  expect(shown['limits.connections.max']).toMatchObject({ value: 10_000, unit: 'count', text: '10000' });
});

test('the top of the file is shown too, each key with its own place', () => {
  const { config, resolved } = load(
    [
      'listen: {address: "[::1]:80", tls: {cert: /tls/crt, key: /tls/key}, trusted_proxies: [10.0.0.0/8, fd00::/8]}',
      'admin:',
      '  address: unix:/run/admin.sock',
      'timeouts: {connect: 2s}',
      'log: {open: 10%}',
      'routes: [{name: a, upstream: "http://h"}]',
    ].join('\n'),
  );
  const shown = showTopSettings(config, resolved.sources);
  expect(Object.fromEntries(Object.entries(shown).map(([key, { text }]) => [key, text]))).toEqual({
    'listen.address': '[::1]:80',
    'listen.tls.cert': '/tls/crt',
    'listen.tls.key': '/tls/key',
    'listen.trusted_proxies': '10.0.0.0/8, fd00::/8',
    'listen.tls.certificates': 'none',
    'listen.tls.client_certificates.ca': 'not set',
    'listen.tls.client_certificates.crl': 'not set',
    'listen.tls.client_certificates.required': 'not set',
    'listen.proxy_protocol': 'none',
    'listen.ipv6_prefix': '64',
    'admin.address': 'unix:/run/admin.sock',
    'admin.token_file': 'not set',
    'memory.max_buffered': 'not set',
    'log.level': 'info',
    'log.open': '10%',
    'log.end': 'all',
    'log.max_rate': '100/s, burst 10000',
    'log.user': 'plain',
    'drain.announce': '10s',
    revoked_users: 'not set',
    'quotas.store': 'not set',
    'timeouts.connect': '2s',
    'timeouts.headers': '10s',
    'timeouts.handshake': '4m',
    'timeouts.close': '10s',
  });
  expect(shown['listen.tls.key']!.source).toEqual({ from: 'file', file: 'f.yaml', line: 1 });
  expect(shown['admin.address']!.source).toEqual({ from: 'file', file: 'f.yaml', line: 3 });
  expect(shown['timeouts.close']!.source).toEqual({ from: 'built in' });
  expect(showTopSettings(config, null)['timeouts.close']!.source).toBeNull();
  expect(
    showTopSettings(load('routes: [{name: a, upstream: "http://h"}]').config, null)['listen.trusted_proxies'],
  ).toEqual({
    ...{ value: [], unit: 'word', text: 'none', source: null },
  });
});

test('the top is shown of a file without routes too', () => {
  const { config } = load('routes_api: {address: "127.0.0.1:8001"}\ntimeouts: {close: 3s}');
  expect(showTopSettings(config, null)['timeouts.close']).toMatchObject({ value: 3000, text: '3s' });
});
