/** `sluice serve` as a process, and its files on disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigMapVolume } from '../helpers/config-map.ts';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { program } from '../helpers/program.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reload-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const listener = 'listen: {address: "127.0.0.1:0"}\nadmin: {address: "127.0.0.1:0"}\n';

function routes(port: number, limit: number | string): string {
  return `routes:\n  - name: app\n    upstream: http://127.0.0.1:${port}\n    limits:\n      client: {max_message_size: ${limit}}\n`;
}

test('two ConfigMaps as two folders: each swap is in force, three times in a row, and closes no connection', async () => {
  await using upstream = await fakeUpstream();
  const [one, two] = [new ConfigMapVolume(join(folder, 'listener')), new ConfigMapVolume(join(folder, 'limits'))];
  one.swap({ 'listener.yaml': listener });
  two.swap({ 'limits.yaml': routes(upstream.port, 10) });
  const { serve, port } = await Serve.start(upstream, { files: [one.path('listener.yaml'), two.path('limits.yaml')] });
  await using _ = serve;
  const client = await rawClient(port);
  const peer = await upstream.next();
  for (const limit of [100, 200, 300]) {
    two.swap({ 'limits.yaml': routes(upstream.port, limit) });
    const { files, routes_changed } = await serve.logged('config_reloaded');
    expect([files, routes_changed]).toEqual([[one.path('listener.yaml'), two.path('limits.yaml')], ['app']]);
    const message = clientFrame(Buffer.alloc(limit));
    client.send(message);
    expect((await peer.bytes(message.length)).equals(message)).toBe(true);
  }
  client.send(clientFrame(Buffer.alloc(301)));
  expect((await client.closeFrame()).reason).toBe('message of 301 bytes exceeds 300 (route app)');
});

test('a broken file is told of with its line, changes nothing, and is forgotten when it is right again', async () => {
  await using upstream = await fakeUpstream();
  const file = join(folder, 'sluice.yaml');
  writeFileSync(file, listener + routes(upstream.port, 10));
  const { serve, port } = await Serve.start(upstream, { files: [file] });
  await using _ = serve;
  const client = await rawClient(port);
  const peer = await upstream.next();
  writeFileSync(file, listener + routes(upstream.port, '20 MiBs'));
  expect((await serve.logged('config_rejected')).errors).toEqual([
    `routes[0].limits.client.max_message_size: "20 MiBs" is not a size; write 20MiB, 20MB or bytes (${file}:7:34)`,
  ]);
  const message = clientFrame(Buffer.alloc(10));
  client.send(message);
  await peer.bytes(message.length);
  writeFileSync(file, listener + routes(upstream.port, 11));
  await serve.logged('config_reloaded');
  const larger = clientFrame(Buffer.alloc(11));
  client.send(larger);
  await peer.bytes(larger.length);
});

test('SIGHUP loads the same files anew and ends nothing', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port } = await Serve.start(upstream);
  await using _ = serve;
  const client = await rawClient(port);
  const peer = await upstream.next();
  serve.process.kill('SIGHUP');
  expect(await serve.logged('config_reloaded')).toMatchObject({ routes_changed: [] });
  client.send(clientFrame('hello'));
  await peer.bytes(clientFrame('hello').length);
});

test('a file that is a pipe is read once, and the log says that changes are not seen', async () => {
  await using upstream = await fakeUpstream();
  const file = join(folder, 'pipe');
  execFileSync('mkfifo', [file]);
  const [{ serve, port }] = await Promise.all([
    Serve.start(upstream, { files: [file] }),
    writeFile(file, listener + routes(upstream.port, 10)),
  ]);
  await using _ = serve;
  expect(serve.lines).toContainEqual(expect.objectContaining({ event: 'config_not_watched', file }));
  await rawClient(port);
});

test('TLS without a certificate that can be used is said before it listens, and ends with 1', async () => {
  const file = join(folder, 'sluice.yaml');
  const listen = 'listen: {address: "127.0.0.1:0", tls: {cert: /absent.crt, key: /absent.key}}';
  writeFileSync(
    file,
    `${listen}\nadmin: {address: "127.0.0.1:0"}\nroutes: [{name: a, upstream: "http://127.0.0.1:1"}]\n`,
  );
  const { status, stderr } = spawnSync(process.execPath, [program, 'serve', '--config', file], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([1, 'sluice serve: listen.tls.cert: /absent.crt does not exist\n']);
});

test('a secret that stands where the name of its file belongs is told at the start to nobody', () => {
  const file = join(folder, 'secret.yaml');
  writeFileSync(file, 'admin: {token_file: [hunter2]}\nroutes: [{name: a, upstream: "http://h"}]\n');
  const { status, stderr } = spawnSync(process.execPath, [program, 'serve', '--config', file], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error {2}admin\.token_file: \[redacted\] is not the path of a file/);
  expect(stderr).not.toContain('hunter2');
});
