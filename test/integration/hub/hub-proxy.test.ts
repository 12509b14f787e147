/** `sluice hub-proxy` as a hub starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { closeOf } from '../../helpers/frames.ts';
import type { LogLine } from '../../helpers/gateway.ts';
import { ask, echo, httpServer, token } from '../../helpers/hub.ts';
import { rawClient, rawConnect } from '../../helpers/raw-client.ts';

const main = join(import.meta.dirname, '../../../src/main.ts');
const authorization = `token ${token}`;

/** Starts the command; `listening` resolves with its line. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [main, 'hub-proxy', ...args], {
    env: { ...process.env, CONFIGPROXY_AUTH_TOKEN: token },
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
  const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, errors, out }));
  return { child, listening, exited };
}

const portOf = (address: unknown) => Number(String(address).split(':').at(-1));

test('takes the hub’s flags, serves the default target, writes its pid, and is gone within five seconds of SIGTERM with 1012', async () => {
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
  const began = performance.now();
  proxy.child.kill('SIGTERM');
  const close = await client.frame();
  expect(closeOf(close).code).toBe(1012);
  expect((await proxy.exited).code).toBe(0);
  expect(performance.now() - began).toBeLessThan(5000);
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
  const proxy = start([
    '--ip=127.0.0.1',
    '--port=0',
    '--api-port=0',
    '--api-ip=127.0.0.1',
    '--metrics-socket',
    join(mkdtempSync(join(tmpdir(), 'hub-')), 'm.sock'),
  ]);
  await proxy.listening;
  proxy.child.kill('SIGTERM');
  expect((await proxy.exited).code).toBe(0);
});

test('a flag that is wrong ends it with its name', async () => {
  const { code, errors } = await start(['--storage-backend', 'x']).exited;
  expect(code).toBe(2);
  expect(errors).toContain('--storage-backend is not honoured');
  expect(
    (await start(['--default-target', 'nowhere', '--ip=127.0.0.1', '--port=0', '--api-port=0']).exited).errors,
  ).toContain('--default-target');
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
  await expect.poll(async () => (await post()).status, { timeout: 5000 }).toBe(413);
  expect((await ask(port, '/a')).status).toBe(200);
});
