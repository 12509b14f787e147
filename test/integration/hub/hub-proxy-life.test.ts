/** How `sluice hub-proxy` ends, and how it begins again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { closeFrame, closeOf } from '../../helpers/frames.ts';
import { httpServer, token } from '../../helpers/hub.ts';
import {
  askAt,
  commandNames,
  commands,
  ofHub,
  setRouteAt,
  startHubCommand,
  usualPorts,
} from '../../helpers/hub-command.ts';
import { rawClient, rawConnect } from '../../helpers/raw-client.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

test('after a restart the default target stands behind what the hub has set', async () => {
  const folder = scratchFolder();
  const file = join(folder, 'hub.yaml');
  writeFileSync(file, `routes_api: {state_file: ${join(folder, 'routes.json')}}\n`);
  const [first, second, ofTheHub] = await Promise.all(
    ['first', 'second', 'hub'].map((name) => httpServer((_req, res) => res.end(name))),
  );
  const run = async (target: number, then: (apiPort: number) => Promise<void> = async () => {}) => {
    const flags = ['--ip=127.0.0.1', '--config', file, '--default-target', `http://127.0.0.1:${target}`];
    const command = await startHubCommand('sluice hub-proxy', flags);
    const { body } = await askAt({ port: command.port(8000), path: '/' });
    await then(command.port(8001));
    command.child.kill('SIGTERM');
    await command.exited;
    return body;
  };
  const set = async (port: number) => {
    const body = JSON.stringify({ target: `http://127.0.0.1:${ofTheHub}`, hub: true, jupyterhub: true });
    const answer = await askAt({ port, path: '/api/routes/', method: 'POST', headers: ofHub, body });
    expect(answer.status).toBe(201);
  };
  expect(await run(first!)).toBe('first');
  // Another target holds, as long as nobody but the flag has set the root.
  expect(await run(second!, set)).toBe('second');
  expect(await run(second!)).toBe('hub');
});

test('nothing that is open keeps it from ending', async () => {
  await using upstream = await fakeUpstream();
  const endless = await httpServer((_req, res) => {
    const more = () => {
      while (!res.destroyed && res.write('x'.repeat(65_536)));
    };
    res.on('drain', more);
    more();
  });
  const socketPath = join(scratchFolder(), 'm.sock');
  const flags = ['--ip=127.0.0.1', '--metrics-socket', socketPath];
  const command = await startHubCommand('sluice hub-proxy', flags, { places: [...usualPorts, socketPath] });
  const [port, apiPort] = [command.port(8000), command.port(8001)];
  await setRouteAt(apiPort, '/ws', `http://127.0.0.1:${upstream.port}`);
  await setRouteAt(apiPort, '/endless', `http://127.0.0.1:${endless}`);
  const open = async (where: number | string, bytes: string) => {
    const peer = await rawConnect(where);
    peer.sendText(bytes);
    return peer;
  };
  const shown = `Authorization: token ${token}`;
  const idle = await open(port, 'GET /_chp_healthz HTTP/1.1\r\nHost: h\r\n\r\n');
  await idle.head();
  await open(port, 'GET / HTTP/1.1\r\nHo');
  // Its answer is as endless: read on it would keep two cores busy for as long as this takes.
  (await open(port, 'POST /endless HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')).pause();
  const download = await open(port, 'GET /endless HTTP/1.1\r\nHost: h\r\n\r\n');
  await download.head();
  download.pause();
  const kept = await open(apiPort, `GET /api/routes HTTP/1.1\r\nHost: h\r\n${shown}\r\n\r\n`);
  await kept.head();
  await open(apiPort, `POST /api/routes/x HTTP/1.1\r\nHost: h\r\n${shown}\r\nContent-Length: 10\r\n\r\nhalf`);
  await (await open(socketPath, 'GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n')).head();
  // One answers the close, one does not, and one reads nothing.
  const clients = await Promise.all([1, 2, 3].map(() => rawClient(port, { path: '/ws' })));
  clients[2]!.pause();
  command.child.kill('SIGTERM');
  for (const client of clients.slice(0, 2)) expect(closeOf(await client.frame()).code).toBe(1012);
  clients[0]!.send(closeFrame(1012, '', { mask: true }));
  const { code, output } = await command.exited;
  expect(code).toBe(0);
  // Each of its clocks ends before the hub's patience does: the deadline that it says, of less than five seconds.
  expect(output).toMatch(/"event":"draining".*"deadline_s":4\b/);
  expect(output).toMatch(/"event":"stopped"/);
});

test.each(['007', '000', '077'])('a public socket lets in whom the hub’s command_umask %s lets', async (umask) => {
  const modes = commandNames.map(async (name) => {
    const folder = scratchFolder();
    const [own, api] = [join(folder, 'own.sock'), join(folder, 'api.sock')];
    const args = [...commands[name], '--socket', own, '--api-socket', api];
    const env = { ...process.env, CONFIGPROXY_AUTH_TOKEN: token };
    const child = spawn('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, ...args], { env });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stderr.resume();
    await once(child.stdout.resume(), 'data');
    await expect.poll(() => statSync(own, { throwIfNoEntry: false })).toBeDefined();
    return (statSync(own).mode & 0o777).toString(8);
  });
  const [theirs, ours] = await Promise.all(modes);
  expect(ours).toBe(theirs);
});
