/** Whoever starts Sluice where it cannot listen hears which key or flag, where, why and what to do. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bind } from '../../src/bind.ts';
import type { ListenAddress } from '../../src/config/types.ts';
import { listenAt } from '../../src/gateway/listen-failure.ts';
import { runCommand } from '../helpers/command.ts';
import { listen } from '../helpers/listen.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

const routes = 'routes: [{name: r, match: {path: /}, upstream: "http://127.0.0.1:1"}]';

/** A port that somebody else has. */
async function takenPort(): Promise<number> {
  const taken = createServer();
  onTestFinished(() => void taken.close());
  return listen(taken);
}

/** What `serve` complains of. */
async function complaintOf(yaml: string): Promise<string> {
  const file = join(scratchFolder(), 'sluice.yaml');
  await writeFile(file, `${yaml}\n${routes}\n`);
  const { code, errors } = await runCommand('serve', '--config', file);
  expect(code).toBe(1);
  return errors;
}

test('serve names the key, the address and the remedy where a port is taken', async () => {
  const port = await takenPort();
  const why = `127.0.0.1:${port} is taken (EADDRINUSE): end the process that listens there`;
  const complaints = await Promise.all([
    complaintOf(`listen: {address: "127.0.0.1:${port}"}\nadmin: {address: "127.0.0.1:0"}`),
    complaintOf(`listen: {address: "127.0.0.1:0"}\nadmin: {address: "127.0.0.1:${port}"}`),
  ]);
  expect(complaints).toEqual([
    expect.stringContaining(`sluice serve: cannot listen: listen.address: ${why}`),
    expect.stringContaining(`sluice serve: cannot listen: admin.address: ${why}`),
  ]);
});

test('hub-proxy names its flag', async () => {
  const port = await takenPort();
  const free = ['--ip=127.0.0.1', '--port=0', '--api-ip=127.0.0.1', '--api-port=0'];
  const flags = [
    [['--port', String(port)], '--ip, --port or --socket'],
    [['--api-port', String(port)], '--api-ip, --api-port or --api-socket'],
    [['--metrics-ip=127.0.0.1', '--metrics-port', String(port)], '--metrics-port'],
  ] as const;
  const ends = await Promise.all(flags.map(([own]) => runCommand('hub-proxy', ...free, ...own)));
  for (const [i, { code, errors }] of ends.entries()) {
    expect(code).toBe(1);
    expect(errors).toContain(`cannot listen: ${flags[i]![1]}: 127.0.0.1:${port} is taken (EADDRINUSE)`);
  }
});

test('a socket whose folder is missing is not told as a missing right', async () => {
  const folder = join(scratchFolder(), 'missing');
  expect(await complaintOf(`listen: {address: "unix:${folder}/socket"}\nadmin: {address: "127.0.0.1:0"}`)).toContain(
    `listen.address: unix:${folder}/socket cannot be made: there is no folder ${folder}; make it, or write another path`,
  );
});

/** What it says of an error of the system at some address. */
async function toldOf(address: ListenAddress, code: string): Promise<string> {
  const failing = () => Promise.reject(Object.assign(new Error('listen failed'), { code, syscall: 'listen' }));
  const error = await listenAt('listen.address', address, failing).catch((reason: Error) => reason);
  expect(error).toMatchObject({ code, key: 'listen.address' });
  return (error as Error).message;
}

test('other errors of the system have their remedies, or stay as they are', async () => {
  const tcp = { kind: 'tcp', host: '127.0.0.1', port: 80 } as const;
  const unix = { kind: 'unix', path: join(scratchFolder(), 'socket') } as const;
  expect(await toldOf(tcp, 'EACCES')).toMatch(/^127\.0\.0\.1:80 may not be listened on .*CAP_NET_BIND_SERVICE/);
  expect(await toldOf({ ...tcp, host: '192.0.2.1' }, 'EADDRNOTAVAIL')).toMatch(/^192\.0\.2\.1:80 .*ip addr/);
  expect(await toldOf({ ...tcp, host: '::' }, 'EAFNOSUPPORT')).toMatch(/^\[::\]:80 is IPv6/);
  expect(await toldOf({ ...tcp, host: 'nowhere.invalid' }, 'ENOTFOUND')).toMatch(/^nowhere\.invalid:80 is a name/);
  expect(await toldOf(tcp, 'ENOMEM')).toBe('127.0.0.1:80 listen failed');
  expect(await toldOf(unix, 'EACCES')).toContain(`let user ${process.getuid!()} write to`);
  expect(await toldOf(unix, 'EROFS')).toContain('read-only file system (EROFS)');
  expect(await toldOf(unix, 'ENOMEM')).toContain('listen failed');
  const missing = { ...unix, path: '/dev/null/socket' };
  expect(await toldOf(missing, 'EACCES')).toContain('there is no folder /dev/null');
});

test('a file in the place of a socket is told, and stays', async () => {
  const path = join(scratchFolder(), 'notes');
  await writeFile(path, 'keep me');
  const address = { kind: 'unix', path } as const;
  const server = createServer();
  const failed = listenAt('listen.address', address, () => bind(server, address, 'group'));
  await expect(failed).rejects.toThrow(`unix:${path} is there already`);
});

test('a mistake of ours is no failure to listen', async () => {
  const server = createServer();
  const address = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const broken = listenAt('listen.address', address, () => Promise.reject(new TypeError('a mistake')));
  await expect(broken).rejects.toThrow(TypeError);
  const port = await listenAt('listen.address', address, () => bind(server, address, 'group'));
  expect(port).toBeGreaterThan(0);
  await once(server.close(), 'close');
});
