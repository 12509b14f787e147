/** jupyterhub-idle-culler, as hubs run it: beside configurable-http-proxy, and beside Sluice in its place. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, scratchDirectory, venvProgram } from '../harness/paths.ts';
import { ServerProcess } from '../harness/server-process.ts';
import { KernelClient } from '../jupyter/kernel-client.ts';
import { Hub } from './hub.ts';

const token = 'the-token-of-the-culler';
/** Long beside the second after which the hub knows of a server's use, also where everything is slow. */
const idleSeconds = 20;
const settled = { timeout: 180_000, interval: 500 };

describe('the culler of a hub', { timeout: 480_000 }, () => {
  const folder = scratchDirectory('culler');

  it('beside CHP, leaves a server whose tab is open and in which nobody types: pings are activity', async () => {
    await using hub = await hubWith([join(root, 'node_modules/.bin/configurable-http-proxy')]);
    await using quiet = await KernelClient.start(hub.url + (await hub.startServer('quiet')));
    await quiet.run('1').done;
    using _ = beat(quiet);
    const began = Date.now();
    await using _culler = await startCuller(hub);
    const seen = async () => Date.parse((await hub.lastActivity('quiet')).hub) - began;
    await expect.poll(seen, settled).toBeGreaterThan((idleSeconds + 5) * 1000);
    expect(await runs(hub, 'quiet')).toBe(true);
  });

  it('beside Sluice, ends that one, and leaves one that prints until it prints no more', async () => {
    const file = join(folder, 'hub.yaml');
    writeFileSync(file, 'routes_api: {activity: {upstream: true}}\n');
    await using hub = await hubWith([process.execPath, join(root, 'src/main.ts'), 'hub-proxy', '--config', file]);
    const [quietPath, busyPath] = [await hub.startServer('quiet'), await hub.startServer('busy')];
    await using quiet = await KernelClient.start(hub.url + quietPath);
    await using busy = await KernelClient.start(hub.url + busyPath);
    await quiet.run('1').done;
    const enough = join(folder, 'enough');
    const job = busy.run(`import os, time
while not os.path.exists(${JSON.stringify(enough)}):
    print("at work", flush=True)
    time.sleep(0.5)`);
    await job.shown((text) => text.includes('at work'));
    using _ = beat(quiet, busy);
    await using _culler = await startCuller(hub);
    expect(quiet.current.socket.readyState).toBe(WebSocket.OPEN);
    await expect.poll(() => runs(hub, 'quiet'), settled).toBe(false);
    // It has printed for as long, and nobody has typed there either.
    expect(await runs(hub, 'busy')).toBe(true);
    expect(busy.sockets).toHaveLength(1);
    writeFileSync(enough, '');
    await job.done;
    await expect.poll(() => runs(hub, 'busy'), settled).toBe(false);
  });
});

/** A hub that starts this proxy, and knows the culler. */
function hubWith(command: readonly string[]): Promise<Hub> {
  return Hub.startWithProxy(command, { HUB_CULLER_TOKEN: token });
}

function startCuller(hub: Hub): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'jupyterhub-idle-culler',
    command: venvProgram('modern', 'python'),
    args: ['-m', 'jupyterhub_idle_culler', `--url=${hub.apiUrl}`, `--timeout=${idleSeconds}`, '--cull-every=1'],
    env: { JUPYTERHUB_API_TOKEN: token },
    ready: async () => true,
  });
}

async function runs(hub: Hub, user: string): Promise<boolean> {
  const { servers } = (await hub.api('GET', `/users/${user}`)) as { servers: Record<string, unknown> };
  return '' in servers;
}

/** The tabs are open and say so all the time, as pages and their servers do. */
function beat(...clients: readonly KernelClient[]): Disposable {
  const timer = setInterval(() => {
    for (const { current } of clients) if (current.socket.readyState === WebSocket.OPEN) current.socket.ping();
  }, 200);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
