/** What becomes of the file of a unix socket that a process left behind, or did not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bind } from '../../src/bind.ts';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { closed } from '../helpers/listen.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function statusOf(socketPath: string, path: string): Promise<number> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get({ socketPath, path }, resolve).once('error', reject),
  );
  response.resume();
  return response.statusCode!;
}

test('serve takes over the sockets that a killed one left, and not those where one listens', async () => {
  await using upstream = await fakeUpstream();
  const [listen, admin] = [join(folder, 'public'), join(folder, 'admin')];
  const addresses = { listen: `unix:${listen}`, admin: `unix:${admin}` };
  {
    const { serve } = await Serve.start(upstream, addresses);
    await using _ = serve;
    await expect(Serve.start(upstream, { ...addresses, admin: '127.0.0.1:0' })).rejects.toThrow('ended before');
    await expect(Serve.start(upstream, { ...addresses, listen: '127.0.0.1:0' })).rejects.toThrow('ended before');
    expect(await statusOf(admin, '/healthz')).toBe(200);
    serve.process.kill('SIGKILL');
    await serve.exit;
  }
  const { serve } = await Serve.start(upstream, addresses);
  await using _ = serve;
  expect(await statusOf(admin, '/healthz')).toBe(200);
  const client = await rawClient(listen);
  client.send(clientFrame('hello'));
  expect((await (await upstream.next()).frame()).payload.toString()).toBe('hello');
});

test('whoever listens there keeps the socket', async () => {
  const path = join(folder, 'socket');
  const first = createServer();
  await bind(first, { kind: 'unix', path }, 'group');
  await expect(bind(createServer(), { kind: 'unix', path }, 'group')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const third = createServer();
  await closed(first);
  await bind(third, { kind: 'unix', path }, 'group');
  await closed(third);
});

test('a file that is no socket is never removed', async () => {
  const path = join(folder, 'notes');
  await writeFile(path, 'keep me');
  await expect(bind(createServer(), { kind: 'unix', path }, 'group')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(await readFile(path, 'utf8')).toBe('keep me');
});

test.each([0o000, 0o022, 0o077])(
  'with the umask %i a socket is for the user, the public one for the group too',
  async (mask) => {
    const before = process.umask(mask);
    try {
      await using gateway = await startGateway({
        routes: [routeTo(1)],
        unix: join(folder, 'public'),
        adminUnix: join(folder, 'admin'),
      });
      expect((await stat(join(folder, 'public'))).mode & 0o777).toBe(0o660);
      expect((await stat(join(folder, 'admin'))).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(mask);
      expect(gateway.port).toBe(0);
    } finally {
      process.umask(before);
    }
  },
);

test('a socket that takes the place of an abandoned one is guarded too, and a failure leaves the umask as it was', async () => {
  const path = join(folder, 'socket');
  const before = process.umask();
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script]), 'exit');
  const server = createServer();
  await bind(server, { kind: 'unix', path }, 'owner');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await closed(server);
  await expect(bind(createServer(), { kind: 'unix', path: join(folder, 'missing/x') }, 'owner')).rejects.toThrow();
  expect(process.umask()).toBe(before);
});
