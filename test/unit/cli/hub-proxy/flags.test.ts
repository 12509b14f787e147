import { describe, expect, test } from 'vitest';
import { type HubProxyFlags, readFlags } from '../../../../src/cli/hub-proxy/flags.ts';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfigs } from '../../../../src/config/model/load.ts';

function flagsOf(...args: string[]): HubProxyFlags {
  const flags = readFlags(args, '::');
  if (flags === null || 'length' in flags) throw new Error(String(flags));
  return flags;
}

const problemsOf = (...args: string[]) => readFlags(args, '::');

/** The configuration that comes of flags, and of a file beside them. */
function configOf(args: readonly string[], file: string | null = null) {
  const { settings, setBy } = flagsOf(...args);
  const usual = { drain: { deadline: '4s' }, admin: { address: '127.0.0.1:0' } };
  return loadConfigs(file === null ? [] : [{ file: 'hub.yaml', text: file }], { flags: settings, setBy, usual });
}

function loaded(args: readonly string[], file: string | null = null) {
  const config = configOf(args, file);
  if ('errors' in config) throw new Error(config.errors.map(formatConfigError).join('\n'));
  return config.config;
}

describe('where it listens', () => {
  test.each([
    ['nothing', [], '::', 8000, 'localhost', 8001],
    ['--ip=', ['--ip='], '::', 8000, 'localhost', 8001],
    ['--ip *', ['--ip', '*', '--port', '9000'], '::', 9000, 'localhost', 9001],
    [
      'what the hub says',
      ['--ip', '127.0.0.1', '--port', '80', '--api-ip', '10.0.0.1', '--api-port', '5'],
      '127.0.0.1',
      80,
      '10.0.0.1',
      5,
    ],
    ['IPv6', ['--ip', '::1', '--api-ip', '[::1]'], '::1', 8000, '::1', 8001],
  ])('%s', (_name, args, host, port, apiHost, apiPort) => {
    const { listen, routesApi } = loaded(args);
    expect(listen.address).toEqual({ kind: 'tcp', host, port });
    expect(routesApi!.address).toEqual({ kind: 'tcp', host: apiHost, port: apiPort });
  });

  test('unix sockets', () => {
    const { listen, routesApi } = loaded(['--socket', '/run/a.sock', '--api-socket=/run/b.sock']);
    expect(listen.address).toEqual({ kind: 'unix', path: '/run/a.sock' });
    expect(routesApi!.address).toEqual({ kind: 'unix', path: '/run/b.sock' });
  });

  test('metrics', () => {
    expect(flagsOf('--metrics-port', '9').metrics).toBe('[::]:9');
    expect(flagsOf('--metrics-port', '9', '--metrics-ip', '127.0.0.1').metrics).toBe('127.0.0.1:9');
    expect(flagsOf('--metrics-socket', '/run/m.sock').metrics).toBe('unix:/run/m.sock');
    expect(flagsOf().metrics).toBeNull();
  });
});

test('every other flag is something', () => {
  const args = [
    '--ssl-key=/k',
    '--ssl-cert=/c',
    '--ssl-ca=/ca',
    '--ssl-request-cert',
    '--ssl-reject-unauthorized',
    '--ssl-protocol=TLSv1_2',
    '--ssl-ciphers=HIGH',
    '--ssl-dhparam=/dh',
    '--api-ssl-key=/ak',
    '--api-ssl-cert=/ac',
    '--api-ssl-ca=/aca',
    '--api-ssl-request-cert',
    '--api-ssl-reject-unauthorized',
    '--client-ssl-key=/ck',
    '--client-ssl-cert=/cc',
    '--client-ssl-ca=/cca',
    '--client-ssl-request-cert',
    '--client-ssl-reject-unauthorized',
    '--default-target=http://h:1',
    '--error-target=http://h:1/hub/error/',
    '--redirect-port=80',
    '--redirect-to=443',
    '--host-routing',
    '--log-level=WARN',
    '--pid-file=/p',
    '--custom-header=a: b:c',
    '--custom-header',
    'd:e',
    '--no-x-forward',
    '--no-prepend-path',
    '--no-include-prefix',
    '--auto-rewrite',
    '--protocol-rewrite=https',
    '--change-origin',
    '--insecure',
    '--timeout=5000',
    '--proxy-timeout=3000',
    '--keep-alive-timeout=7',
  ];
  const flags = flagsOf(...args);
  const config = loaded(args);
  expect(config.listen.tls).toEqual({
    cert: '/c',
    key: '/k',
    certificates: [],
    clients: { ca: '/ca', crl: null, isRequired: true },
  });
  const { tls: apiTls, hosts, errors, templates } = config.routesApi!;
  expect(apiTls).toEqual({ cert: '/ac', key: '/ak', clientCa: '/aca' });
  expect(hosts).toBe(true);
  expect(errors).toEqual({ target: 'http://h:1/hub/error' });
  expect(config.log.level).toBe('warn');
  for (const { route } of templates) {
    expect(route.http.inactivityMs).toBe(3000);
    expect(route.upstreamTls).toEqual({
      ca: '/cca',
      serverName: null,
      clientCert: '/cc',
      clientKey: '/ck',
      insecureSkipVerify: true,
    });
  }
  expect(flags.rules).toEqual({
    headers: [
      ['a', 'b:c'],
      ['d', 'e'],
    ],
    host: null,
    forwarded: false,
    targetPath: false,
    routePath: false,
    targetHost: true,
    locationHost: true,
    locationScheme: 'https:',
  });
  expect(flags).toMatchObject({
    defaultTarget: 'http://h:1',
    pidFile: '/p',
    keepAliveMs: 7,
    tls: { protocol: 'TLSv1_2', ciphers: 'HIGH', dhparam: '/dh' },
    redirect: { host: '::', port: 80, to: { port: 443, isNamed: true } },
  });
  // What a hub on a unix socket passes on.
  expect(loaded(['--error-target=unix+http://%2Frun%2Fhub.sock/hub/error'])).toMatchObject({
    routesApi: { errors: { target: 'http+unix://%2Frun%2Fhub.sock/hub/error' } },
  });
  const tls = ['--ssl-key=/k', '--ssl-cert=/c', '--redirect-port=80'];
  expect(flagsOf(...tls, '--port=443').redirect?.to).toEqual({ port: 443, isNamed: false });
  expect(flagsOf(...tls, '--port=8443').redirect?.to).toEqual({ port: 8443, isNamed: true });
  expect(loaded(['--error-path=/pages', '--log-level', 'debug'])).toMatchObject({
    routesApi: { errors: { folder: '/pages' } },
    log: { level: 'info' },
  });
});

test('a time of 0 is none', () => {
  expect(loaded(['--timeout=0', '--proxy-timeout=0']).routesApi!.templates[0]!.route.http.inactivityMs).toBeGreaterThan(
    60_000,
  );
});

test('without rewriting a request goes on as CHP’s does', () => {
  expect(flagsOf().tls).toBeNull();
  expect(flagsOf().rules).toEqual({
    headers: [],
    host: null,
    forwarded: true,
    targetPath: true,
    routePath: true,
    targetHost: false,
    locationHost: false,
    locationScheme: null,
  });
});

test('the last of several headers by one name holds, and Host is one', () => {
  const { rules } = flagsOf('--custom-header=a:1', '--custom-header', ' A : 2 ', '--custom-header=HOST: hub.org:80');
  expect(rules).toMatchObject({ headers: [['A', '2']], host: 'hub.org:80' });
});

test('help is help', () => {
  expect(readFlags(['--help'], '::')).toBeNull();
  expect(readFlags(['-h'], '::')).toBeNull();
});

test.each([
  ['an unknown flag', ['--nonsense'], /--nonsense/],
  ['a flag without its value', ['--port'], /--port/],
  ['something behind the flags', ['start'], /start/],
  ['--storage-backend', ['--storage-backend=x'], /--storage-backend is not honoured.*state_file/],
  ['--ssl-allow-rc4', ['--ssl-allow-rc4'], /--ssl-allow-rc4 is not honoured: .*RFC 7465/],
  ['a broken version of TLS', ['--ssl-protocol=TLSv1_1'], /--ssl-protocol TLSv1_1 is not honoured/],
  ['a public authority that nobody needs', ['--ssl-key=/k', '--ssl-cert=/c', '--ssl-ca=/k'], /--ssl-request-cert/],
  ['a public certificate that nobody may vouch for', ['--ssl-request-cert'], /--ssl-request-cert .*--ssl-ca/],
  ['a certificate of clients without TLS', ['--ssl-request-cert', '--ssl-ca=/a'], /--ssl-key and --ssl-cert/],
  ['a port that is none', ['--port', '99999'], /--port 99999 is no port/],
  ['a time that is none', ['--timeout', 'soon'], /--timeout soon/],
  ['a level that is none', ['--log-level', 'loud'], /--log-level loud/],
  ['both pages', ['--error-target=http://a', '--error-path=/a'], /--error-target and --error-path/],
  ['a socket and an address', ['--socket=/a', '--ip=1.2.3.4'], /--socket and --ip/],
  ['a socket and a port', ['--socket=/a', '--port=1'], /--socket and --port/],
  ['a socket of the API and a port', ['--api-socket=/a', '--api-port=1'], /--api-socket and --api-port/],
  [
    'a socket of metrics and a port',
    ['--metrics-socket=/a', '--metrics-port=1'],
    /--metrics-socket and --metrics-port/,
  ],
  ['half a certificate', ['--ssl-key=/k'], /--ssl-cert and --ssl-key/],
  ['half a client certificate', ['--client-ssl-cert=/k'], /--client-ssl-cert and --client-ssl-key/],
  ['an authority that nobody needs', ['--api-ssl-ca=/k'], /--api-ssl-request-cert/],
  ['a certificate that nobody may vouch for', ['--api-ssl-request-cert'], /--api-ssl-ca/],
  ['metrics without a port', ['--metrics-ip=::'], /--metrics-port/],
  ['a redirect without TLS', ['--redirect-port=80'], /--ssl-key/],
  ['a redirect without its port', ['--redirect-to=80'], /--redirect-port/],
  ['a scheme that is none', ['--protocol-rewrite=gopher'], /--protocol-rewrite gopher/],
  ['a header that is none', ['--custom-header=nothing'], /--custom-header "nothing": a colon was expected/],
  ['a header of the connection', ['--custom-header=Connection: x'], /--custom-header .* is not honoured: Connection/],
  ['a header of the body', ['--custom-header=content-length: 5'], /--custom-header .* is not honoured/],
  ['a host that is none', ['--custom-header=Host: a b'], /--custom-header .* names no host/],
  ['a header with a line end', ['--custom-header=a:b\r\nc: d'], /--custom-header/],
  ['a header without a name', ['--custom-header=:x'], /--custom-header/],
])('%s is an error by name', (_name, args, words) => {
  expect([problemsOf(...args)].flat().join('\n')).toMatch(words);
});

describe('a file beside the flags', () => {
  test('says the rest', () => {
    const file =
      'listen: {trusted_proxies: [10.0.0.0/8]}\nroutes_api: {state_file: /s}\ndefaults: {idle_timeout: 5m}\ndrain: {deadline: 9s}\n';
    const config = loaded(['--ip', '127.0.0.1', '--insecure'], file);
    expect(config.listen).toMatchObject({ trustedProxies: ['10.0.0.0/8'], address: { host: '127.0.0.1' } });
    expect(config.routesApi).toMatchObject({ stateFile: '/s' });
    expect(config.routesApi!.templates[0]!.route).toMatchObject({
      idleTimeoutMs: 300_000,
      upstreamTls: { insecureSkipVerify: true },
      drain: { deadlineMs: 9000 },
    });
    expect(loaded([]).routesApi!.templates[0]!.route.drain.deadlineMs).toBe(4000);
  });

  test('may not say what a flag says', () => {
    const config = configOf(['--ip', '127.0.0.1'], "listen: {address: '0.0.0.0:1'}\n");
    expect('errors' in config && config.errors.map(formatConfigError)).toEqual([
      expect.stringMatching(/listen\.address: is set by --ip, --port or --socket too.*hub\.yaml:1/),
    ]);
  });

  test('that is wrong is told of as ever', () => {
    for (const text of ['- 1\n', 'listen: 5\n', 'nonsense: 1\n', '']) {
      expect('errors' in configOf([], text), text).toBe(true);
    }
  });

  test('a flag’s own value that is none is told of', () => {
    const config = configOf(['--ip', 'a b']);
    expect('errors' in config && config.errors.map(formatConfigError).join()).toMatch(/listen\.address/);
  });
});
