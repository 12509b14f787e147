/** A pipe in the place of a file that is read while Sluice serves: nobody waits for it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { program } from '../helpers/program.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { Serve } from '../helpers/serve.ts';

const token = 'a-token-of-an-operator';

async function setUp() {
  const folder = scratchFolder();
  const upstream = await fakeUpstream();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const files = { config: join(folder, 'sluice.yaml'), token: join(folder, 'token') };
  writeFileSync(files.token, `${token}\n`);
  writeFileSync(
    files.config,
    `listen: {address: 127.0.0.1:0}
admin: {address: 127.0.0.1:0, token_file: ${files.token}}
drain: {announce: 0, spread: 0}
timeouts: {close: 100ms}
routes:
  - {name: test, upstream: "http://localhost:${upstream.port}"}
`,
  );
  const { serve, port, adminPort } = await Serve.start(upstream, { files: [files.config] });
  onTestFinished(() => serve[Symbol.asyncDispose]());
  const becomesFifo = (path: string) => {
    execFileSync('mkfifo', [`${path}.fifo`]);
    renameSync(`${path}.fifo`, path);
  };
  const api = () =>
    fetch(`http://127.0.0.1:${adminPort}/api/config`, { headers: { Authorization: `Bearer ${token}` } });
  return { files, serve, port, upstream, becomesFifo, api };
}

test('a token file that becomes a pipe closes the API and nothing else', async () => {
  const { files, serve, port, becomesFifo, api } = await setUp();
  expect((await api()).status).toBe(200);
  becomesFifo(files.token);
  await expect.poll(async () => (await api()).status).toBe(503);
  expect(await serve.logged('admin_refused')).toMatchObject({ detail: expect.stringContaining('is a pipe') });
  // The name of the upstream is looked up by the threads that read files.
  await rawClient(port, { headers: { Host: 'localhost' } });
  serve.process.kill('SIGTERM');
  expect(await serve.exit).toBe(0);
});

test('a configuration file that becomes a pipe is refused, and the one before stays in force', async () => {
  const { files, serve, port, becomesFifo } = await setUp();
  becomesFifo(files.config);
  const { errors } = await serve.logged('config_rejected');
  expect(errors).toEqual([expect.stringContaining('is a pipe, a socket or a device')]);
  await rawClient(port);
  serve.process.kill('SIGTERM');
  expect(await serve.exit).toBe(0);
});

test('a start that waits for a pipe ends at a signal, and not at SIGHUP, which only loads files', async () => {
  const folder = scratchFolder();
  const fifo = join(folder, 'config');
  execFileSync('mkfifo', [fifo]);
  // Tells that the signals are listened to, which is before the pipe is opened.
  const hook = `const { on } = process;
    process.on = function (name, listener) {
      if (name === 'SIGINT') setImmediate(() => process.stderr.write('listens'));
      return on.call(this, name, listener);
    };`;
  const command = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, program, 'serve', '--config', fifo];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  await once(child.stderr, 'data');
  child.kill('SIGHUP');
  child.kill('SIGTERM');
  // A thread of Node's pool waits for the pipe for ever, and with it an ordinary exit would.
  expect(await exit).toEqual([null, 'SIGKILL']);
});
