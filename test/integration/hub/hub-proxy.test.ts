/** `sluice hub-proxy` as a hub starts it. */
import { execFileSync, spawn } from 'node:child_process';
import { getDiffieHellman } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { type ConnectionOptions, connect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { groupPem } from '../../helpers/dh-group.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { closeOf } from '../../helpers/frames.ts';
import type { LogLine } from '../../helpers/gateway.ts';
import { ask, echo, httpServer, token } from '../../helpers/hub.ts';
import { listen } from '../../helpers/listen.ts';
import { program, small } from '../../helpers/program.ts';
import { rawClient, rawConnect } from '../../helpers/raw-client.ts';
import { rsaCertificate, rsaKey } from '../../helpers/rsa-certificate.ts';

const authorization = `token ${token}`;

/** Starts the command; `listening` resolves with its line. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [...small.flags, program, 'hub-proxy', ...args], {
    env: { ...process.env, ...small.env, CONFIGPROXY_AUTH_TOKEN: token },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const { promise: listening, resolve } = Promise.withResolvers<LogLine>();
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
    const line = out.split('\n').find((text) => text.includes('"event":"listening"'));
    if (line !== undefined && out.includes(`${line}\n`)) resolve(JSON.parse(line));
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  // What it has said may still be in the pipes at its exit.
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, errors, out }));
  return { child, listening, exited };
}

const portOf = (address: unknown) => Number(String(address).split(':').at(-1));

test('takes the hub’s flags, serves the default target, writes its pid, and drains for less than five seconds at SIGTERM, with 1012', async () => {
  await using upstream = await fakeUpstream();
  const pid = join(mkdtempSync(join(tmpdir(), 'hub-')), 'pid');
  const proxy = start([
    '--ip',
    '127.0.0.1',
    '--port',
    '0',
    '--api-ip',
    '127.0.0.1',
    '--api-port',
    '0',
    '--error-target',
    'http://127.0.0.1:1/hub/error',
    '--log-level',
    'debug',
    '--pid-file',
    pid,
    '--default-target',
    `http://127.0.0.1:${await httpServer(echo)}`,
  ]);
  const line = await proxy.listening;
  const [port, apiPort] = [portOf(line.address), portOf(line.routes_api_address)];
  expect(readFileSync(pid, 'utf8')).toBe(String(proxy.child.pid));
  expect(JSON.parse((await ask(port, '/x')).body).url).toBe('/x');
  const body = JSON.stringify({ target: `http://127.0.0.1:${upstream.port}`, user: 'ann' });
  expect(
    (await ask(apiPort, '/api/routes/user/ann', { method: 'POST', body, headers: { authorization } })).status,
  ).toBe(201);
  const client = await rawClient(port, { path: '/user/ann/ws' });
  proxy.child.kill('SIGTERM');
  const close = await client.frame();
  expect(closeOf(close).code).toBe(1012);
  // The client says no more, so that the deadline ends it.
  const { code, out } = await proxy.exited;
  expect(code).toBe(0);
  const told = (event: string) => JSON.parse(out.split('\n').find((text) => text.includes(`"event":"${event}"`))!);
  expect(told('draining').deadline_s).toBeLessThan(5);
  expect(told('drained').cut).toBe(1);
  expect(existsSync(pid)).toBe(false);
});

test('takes an upload that is larger than any of Sluice’s own bounds', async () => {
  const port = await httpServer((req, res) => {
    res.end(req.headers['content-length']);
    req.resume();
  });
  const target = `http://127.0.0.1:${port}`;
  const proxy = start(['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1', '--default-target', target]);
  const client = await rawConnect(portOf((await proxy.listening).address));
  client.sendText('PUT /files/big HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000000\r\n\r\n');
  // The server has seen the head of the request, and answers before its body has come.
  expect(await client.head()).toMatch(/^HTTP\/1.1 200 /);
});

test('serves metrics where flags want them, and no API of operators', async () => {
  const socketPath = join(mkdtempSync(join(tmpdir(), 'hub-')), 'm.sock');
  const proxy = start([
    '--ip=127.0.0.1',
    '--port=0',
    '--api-port=0',
    '--api-ip=127.0.0.1',
    '--metrics-socket',
    socketPath,
  ]);
  await proxy.listening;
  const asked = async (path: string) => {
    const req = request({ socketPath, path, agent: false }).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    return { status: res.statusCode, body: await text(res) };
  };
  expect(await asked('/metrics')).toMatchObject({ status: 200, body: expect.stringContaining('sluice_build_info{') });
  for (const path of ['/', '/api/config', '/api/connections']) expect((await asked(path)).status, path).toBe(404);
  proxy.child.kill('SIGTERM');
  expect((await proxy.exited).code).toBe(0);
});

describe('TLS as flags have it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-'));
  const path = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const pairs = (family: string) => [
    ...[`--${family}-cert`, path('rsa.crt', rsaCertificate)],
    ...[`--${family}-key`, path('rsa.key', rsaKey)],
  ];
  const both = [
    '--ip=127.0.0.1',
    '--port=0',
    '--api-ip=127.0.0.1',
    '--api-port=0',
    ...pairs('ssl'),
    ...pairs('api-ssl'),
  ];

  /** What each client agrees on at the public port and at the API's; `null` where nothing is. */
  async function eachAgrees(args: readonly string[], clients: readonly ConnectionOptions[]) {
    const line = await start([...both, ...args]).listening;
    const ports = [portOf(line.address), portOf(line.routes_api_address)];
    const agree = async (port: number, client: ConnectionOptions) => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
      const opened = once(socket, 'secureConnect').catch(() => null);
      const found = (await opened) === null ? null : { version: socket.getProtocol(), suite: socket.getCipher().name };
      socket.destroy();
      return found;
    };
    return Promise.all(clients.map((client) => Promise.all(ports.map((port) => agree(port, client)))));
  }

  const agreed = async (args: readonly string[], client: ConnectionOptions) => (await eachAgrees(args, [client]))[0]!;

  test('one version alone', async () => {
    const of12 = { version: 'TLSv1.2', suite: 'ECDHE-RSA-AES128-GCM-SHA256' };
    const [older, newer, listed] = await Promise.all([
      agreed(['--ssl-protocol=TLSv1_2'], {}),
      agreed(['--ssl-protocol=TLSv1_3'], { maxVersion: 'TLSv1.2' }),
      agreed(['--ssl-protocol=TLSv1_2', `--ssl-ciphers=${of12.suite}`], {}),
    ]);
    expect(older).toMatchObject([{ version: 'TLSv1.2' }, { version: 'TLSv1.2' }]);
    expect(newer).toEqual([null, null]);
    expect(listed).toEqual([of12, of12]);
  });

  test('listed suites, and those of TLS 1.3 beside them', async () => {
    const ciphers = '--ssl-ciphers=ECDHE-RSA-AES256-GCM-SHA384:!ECDHE-RSA-AES128-GCM-SHA256';
    const older = { maxVersion: 'TLSv1.2' } as const;
    const clients = [{}, { ...older, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, older];
    const [newest, another, listed] = await eachAgrees([ciphers], clients);
    expect(newest).toMatchObject([{ version: 'TLSv1.3' }, { version: 'TLSv1.3' }]);
    expect(another).toEqual([null, null]);
    const found = { version: 'TLSv1.2', suite: 'ECDHE-RSA-AES256-GCM-SHA384' };
    expect(listed).toEqual([found, found]);
  });

  test('plain Diffie-Hellman in the group that was given, and never without one', async () => {
    const group = path('dh.pem', groupPem(getDiffieHellman('modp14').getPrime()));
    const client = { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES256-GCM-SHA384' } as const;
    const found = { version: 'TLSv1.2', suite: 'DHE-RSA-AES256-GCM-SHA384' };
    const [given, none] = await Promise.all([agreed([`--ssl-dhparam=${group}`], client), agreed([], client)]);
    expect(given).toEqual([found, found]);
    expect(none[0]).toBeNull();
  });

  test('a port to redirect from that is taken ends it, and leaves no pid file', async () => {
    const taken = createServer();
    onTestFinished(() => void taken.close());
    const redirect = [`--redirect-port=${await listen(taken)}`];
    const pid = join(folder, 'pid');
    const { code, errors } = await start([...both, ...redirect, '--pid-file', pid]).exited;
    expect([code, errors]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
    expect(existsSync(pid)).toBe(false);
  });

  test('without a certificate is an error, and so is what OpenSSL does not know', async () => {
    const alone = start(['--ssl-ciphers=HIGH']).exited;
    const wrong = await start([...both, '--ssl-ciphers=NONSENSE']).exited;
    const { code, errors } = await alone;
    expect([code, errors]).toEqual([2, expect.stringContaining('stand without --ssl-cert')]);
    expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining('--ssl-ciphers "NONSENSE"')]);
  });
});

test('who has longer to go than the hub waits gives servers longer to answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-'));
  const closes = async (drain: string) => {
    const [file, socket] = ['yaml', 'sock'].map((end) => join(folder, `${drain.length}.${end}`)) as [string, string];
    writeFileSync(file, `admin: {address: 'unix:${socket}'}\n${drain}`);
    const flags = ['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1', '--config', file];
    expect(await start(flags).listening).toMatchObject({ admin_address: `unix:${socket}` });
    const asked = request({ socketPath: socket, path: '/api/config', headers: { Host: 'localhost' } }).end();
    const [answer] = await once(asked, 'response');
    const { settings } = (await json(answer)) as { settings: Record<string, { text: string }> };
    return settings['timeouts.close']!.text;
  };
  const files = ['', 'drain: {deadline: 60s}\n', 'drain: {deadline: 60s}\ntimeouts: {close: 3s}\n'];
  expect(await Promise.all(files.map(closes))).toEqual(['2s', '10s', '3s']);
});

test('says its version, as a hub may ask', async () => {
  const asked = [['--version'], ['-V'], ['--config', 'hub.yaml', '--version']].map(start);
  for (const { exited } of asked) {
    const { code, out } = await exited;
    expect([code, out]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  }
});

test('one that cannot listen leaves the pid file of the one that can', async () => {
  const pid = join(mkdtempSync(join(tmpdir(), 'hub-')), 'pid');
  const first = start(['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1', '--pid-file', pid]);
  const port = String(portOf((await first.listening).address));
  const second = start(['--ip=127.0.0.1', '--port', port, '--api-port=0', '--api-ip=127.0.0.1', '--pid-file', pid]);
  expect((await second.exited).code).toBe(1);
  expect(readFileSync(pid, 'utf8')).toBe(String(first.child.pid));
});

test('one that ends leaves the pid file of another, which was started meanwhile', async () => {
  const pid = join(mkdtempSync(join(tmpdir(), 'hub-')), 'pid');
  const args = ['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1', '--pid-file', pid];
  const first = start(args);
  await first.listening;
  const second = start(args);
  await second.listening;
  first.child.kill('SIGTERM');
  expect((await first.exited).code).toBe(0);
  expect(readFileSync(pid, 'utf8')).toBe(String(second.child.pid));
});

test('a pid file that cannot be written ends it, and a pipe is not waited for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const cases = [
    [pipe, 'ENXIO'],
    [join(folder, 'none', 'pid'), 'ENOENT'],
  ] as const;
  const common = ['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1'];
  const ends = await Promise.all(cases.map(([file]) => start([...common, '--pid-file', file]).exited));
  expect(ends.map(({ code, errors }) => [code, errors])).toEqual(
    cases.map(([, problem]) => [1, expect.stringContaining(`sluice hub-proxy: --pid-file: ${problem}`)]),
  );
  for (const { errors } of ends) expect(errors).toContain('; name a file that can be written, or leave the flag out');
});

test('one whose redirects cannot listen leaves that pid file too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-'));
  const [pid, certificate, key] = ['pid', 'crt', 'key'].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(pid, 'of another');
  writeFileSync(certificate, rsaCertificate);
  writeFileSync(key, rsaKey);
  const taken = String(await httpServer(echo));
  const proxy = start([
    ...['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1', '--pid-file', pid],
    ...['--ssl-cert', certificate, '--ssl-key', key, '--redirect-port', taken],
  ]);
  const { code, errors } = await proxy.exited;
  expect([code, errors]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  expect(readFileSync(pid, 'utf8')).toBe('of another');
});

test('one whose default target is refused leaves that pid file too', async () => {
  const pid = join(mkdtempSync(join(tmpdir(), 'hub-')), 'pid');
  writeFileSync(pid, 'of another');
  const own = ['--ip=127.0.0.1', '--port=0', '--api-port=0', '--api-ip=127.0.0.1', '--pid-file', pid];
  const { code, errors } = await start([...own, '--default-target=http://169.254.169.254']).exited;
  expect([code, errors]).toEqual([2, expect.stringContaining('--default-target: ')]);
  expect(readFileSync(pid, 'utf8')).toBe('of another');
});

test('a flag that is wrong ends it with its name', async () => {
  const storage = start(['--storage-backend', 'x']).exited;
  const target = start(['--default-target', 'nowhere', '--ip=127.0.0.1', '--port=0', '--api-port=0']).exited;
  const { code, errors } = await storage;
  expect(code).toBe(2);
  expect(errors).toContain('--storage-backend is not honoured');
  expect((await target).errors).toContain('--default-target');
});

test('loads its file anew without losing a route', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'hub-')), 'hub.yaml');
  writeFileSync(file, 'defaults: {http: {max_body_size: 1KiB}}\n');
  const proxy = start([
    '--ip=127.0.0.1',
    '--port=0',
    '--api-port=0',
    '--api-ip=127.0.0.1',
    '--config',
    file,
    '--default-target',
    `http://127.0.0.1:${await httpServer(echo)}`,
  ]);
  const port = portOf((await proxy.listening).address);
  const post = () => ask(port, '/a', { method: 'POST', body: 'xx' });
  expect((await post()).status).toBe(200);
  writeFileSync(file, 'defaults: {http: {max_body_size: 1B}}\n');
  proxy.child.kill('SIGHUP');
  await expect.poll(async () => (await post()).status).toBe(413);
  expect((await ask(port, '/a')).status).toBe(200);
});
