/** One hub, several replicas of Sluice: config/jupyterhub/sluice_proxy.py sets each route in all of them. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hub } from './hub.ts';
import { type Replica, Replicas } from './replicas.ts';

const startsMs = 240_000;
/** Longer than the tests take: whatever is repaired is repaired because somebody asked for it. */
const never = 3600;
const settled = { timeout: 60_000, interval: 100 };

describe('JupyterHub before replicas of Sluice', { timeout: startsMs }, () => {
  let replicas: Replicas;
  let hub: Hub;
  const before: Hub[] = [];
  let first: Replica;
  let second: Replica;
  beforeAll(async () => {
    replicas = await Replicas.make();
    first = await replicas.add('127.0.0.2');
    second = await replicas.add('127.0.0.3');
    replicas.name('127.0.0.2', '127.0.0.3');
    hub = await replicas.startHub(first.url, never);
  }, startsMs);
  afterAll(async () => {
    for (const one of [hub, ...before]) await one?.stop();
    await replicas?.stop();
  });

  const ready = (replica: Replica) => expect.poll(async () => (await replica.readiness()).words, settled).toBe('ready');
  const alike = async (...others: readonly Replica[]) => {
    const targets = await first.targets();
    for (const other of others) expect(await other.targets()).toEqual(targets);
    return targets;
  };

  it('no server is ready before each replica has its route', async () => {
    await ready(first);
    await ready(second);
    const names = Array.from({ length: 8 }, (_, i) => `early${i}`);
    await Promise.all(
      names.map(async (name) => {
        const path = await hub.startServer(name);
        // Whoever is sent there now may come to any of them.
        const answers = await Promise.all([first, second].map((replica) => replica.get(`${path}/`)));
        expect(answers.map(({ body }) => body)).toEqual([`${path}/`, `${path}/`]);
      }),
    );
    expect(Object.keys(await alike(second))).toHaveLength(names.length + 1);
  });

  it('one that was killed comes back, and is ready when its table is complete', async () => {
    await second.kill();
    const path = await hub.startServer('meanwhile');
    expect((await first.get(`${path}/`)).body).toBe(`${path}/`);
    await second.start();
    await ready(second);
    expect(await alike(second)).toHaveProperty([path]);
    expect((await second.get(`${path}/`)).body).toBe(`${path}/`);
    expect(await second.metric('routes_api_differing')).toBeGreaterThan(0);
  });

  it('a new one is not ready before the hub knows of it, and complete when it is', async () => {
    const third = await replicas.add('127.0.0.4');
    await expect.poll(async () => (await third.readiness()).words, settled).toMatch(/and not of this one$/);
    expect((await third.readiness()).status).toBe(503);
    replicas.name('127.0.0.2', '127.0.0.3', '127.0.0.4');
    await ready(third);
    await alike(second, third);
    await third.kill();
    replicas.name('127.0.0.2', '127.0.0.3');
  });

  it('one that accepts and never answers keeps no server from starting', async () => {
    await using silent = await silence(replicas.apiPort);
    replicas.name('127.0.0.2', '127.0.0.3', '127.0.0.5');
    for (const name of ['patient', 'quick']) {
      const path = await hub.startServer(name);
      expect(await alike(second)).toHaveProperty([path]);
    }
    // It is tried again, and nobody waits for it.
    await expect.poll(() => silent.connections, settled).toBe(2);
    replicas.name('127.0.0.2', '127.0.0.3');
  });

  it('a hub that is told of another place has its routes there from then on', async () => {
    const move = (host: string) => hub.api('PATCH', '/proxy', { api_url: `http://${host}:${replicas.apiPort}` });
    await move('127.0.0.3');
    const path = await hub.startServer('moved');
    expect(await second.targets()).toHaveProperty([path]);
    expect(await first.targets()).not.toHaveProperty([path]);
    await move('sluice-api');
    expect(await alike(second)).toHaveProperty([path]);
  });

  it('a hub that starts again repairs what was changed meanwhile, and ends nothing', async () => {
    const gone = hub;
    await gone.die();
    await second.change('DELETE', '/user/early0');
    await second.change('POST', '/user/early1', { target: 'http://127.0.0.1:1', user: 'early1', jupyterhub: true });
    await second.change('POST', '/user/nobody', { target: 'http://127.0.0.1:1', user: 'nobody', jupyterhub: true });
    expect((await second.get('/user/early0/')).status).not.toBe(200);
    hub = await replicas.startHub(first.url, 1);
    // Its users' servers are still those of the hub before.
    before.push(gone);
    await expect.poll(() => second.targets(), settled).not.toHaveProperty(['/user/nobody']);
    const path = await hub.startServer('later');
    expect(await alike(second)).toHaveProperty([path]);
    expect((await second.get('/user/early1/')).body).toBe('/user/early1/');
  });

  it('the hub hears of the latest activity of all of them, and finds them alike', async () => {
    const path = await hub.startServer('busy');
    const before = await second.table();
    await first.get(`${path}/`);
    const { last_activity: latest } = (await first.table())[path]!;
    expect(latest > before[path]!.last_activity).toBe(true);
    const seen = async () => ((await hub.api('GET', '/users/busy')) as { last_activity: string }).last_activity;
    await expect.poll(async () => (await seen()).slice(0, 23), settled).toBe(latest.slice(0, 23));
    await expect.poll(() => second.metric('routes_api_differing'), settled).toBe(0);
    await hub.api('DELETE', '/users/busy/server');
    await expect.poll(() => second.targets(), settled).not.toHaveProperty([path]);
    await alike(second);
  });
});

/** Takes connections, and says nothing. */
async function silence(port: number): Promise<AsyncDisposable & { readonly connections: number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    socket.resume();
  });
  await once(server.listen(port, '127.0.0.5'), 'listening');
  return {
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}
