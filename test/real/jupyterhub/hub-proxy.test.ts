/** JupyterHub with its proxy as it starts it: configurable-http-proxy, and Sluice in its place. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type HubAnswer } from '../../helpers/hub.ts';
import { root } from '../harness/paths.ts';
import { token } from '../jupyter/jupyter-server.ts';
import { KernelClient } from '../jupyter/kernel-client.ts';
import { Hub } from './hub.ts';

const headers = { Authorization: `token ${token}` };
const startsMs = 240_000;
const gigabyte = 1e9;

const proxies = [
  { name: 'configurable-http-proxy', command: [join(root, 'node_modules/.bin/configurable-http-proxy')], pings: true },
  { name: 'sluice hub-proxy', command: [process.execPath, join(root, 'src/main.ts'), 'hub-proxy'], pings: false },
];

describe.each(proxies)('JupyterHub with $name', { timeout: startsMs }, ({ command, pings }) => {
  let hub: Hub;
  let alice: string;
  beforeAll(async () => {
    hub = await Hub.startWithProxy(command);
    alice = await hub.startServer('alice');
  }, startsMs);
  afterAll(() => hub?.stop());

  it('lets a user in', async () => {
    // A browser goes there, and says so; `fetch` would say something else.
    const page = await ask(hub.port, '/hub/login');
    const cookies = cookiesOf(page);
    const xsrf = /_xsrf=([^;]+)/.exec(cookies)![1]!;
    const login = await ask(hub.port, `/hub/login?_xsrf=${encodeURIComponent(xsrf)}`, {
      method: 'POST',
      headers: { Cookie: cookies, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username: 'carol', password: 'x', _xsrf: xsrf }).toString(),
    });
    expect(login.status).toBe(302);
    const home = await ask(hub.port, '/hub/home', { headers: { Cookie: `${cookies}; ${cookiesOf(login)}` } });
    expect(home.body).toContain('carol');
  });

  it('tells of a spawn event by event', async () => {
    const { progress } = await hub.requestServer('bob');
    const events = await fetch(`${hub.url}/hub/api${progress}`, { headers });
    const reads: string[] = [];
    const decoder = new TextDecoder();
    for await (const bytes of events.body!) reads.push(decoder.decode(bytes));
    expect(reads.length).toBeGreaterThan(1);
    expect(reads.join('')).toContain('"ready": true');
  });

  it('runs kernels in a default and in a named server', async () => {
    const second = await hub.startServer('alice', 'second');
    for (const path of [alice, second]) {
      await using client = await KernelClient.start(hub.url + path);
      const run = client.run('print(6 * 7)');
      await run.done;
      expect(run.lines).toEqual(['42']);
    }
  });

  it('takes an upload of 1 GB', async () => {
    const piece = 'x'.repeat(50_000_000);
    const pieces = gigabyte / piece.length;
    for (let i = 1; i <= pieces; i++) {
      const chunk = i === pieces ? -1 : i;
      // Each on a connection of its own: CHP ends one that was idle for five seconds, just when a busy client writes.
      const answer = await ask(hub.port, `${alice}/api/contents/big.txt`, {
        method: 'PUT',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ type: 'file', format: 'text', name: 'big.txt', path: 'big.txt', chunk, content: piece }),
      });
      expect(answer.status, answer.body).toBeLessThan(300);
    }
    const listed = await fetch(`${hub.url}${alice}/api/contents/big.txt?content=0`, { headers });
    expect(((await listed.json()) as { size: number }).size).toBe(gigabyte);
  });

  it(`a tab that is open and in which nobody types ${pings ? 'is' : 'is no'} activity`, async () => {
    await using client = await KernelClient.start(hub.url + alice);
    const { socket } = client.current;
    await client.run('1').done;
    const before = await still(() => hub.lastActivity('alice'));
    for (let i = 0; i < 5; i++) {
      const answered = new Promise((resolve) => socket.once('pong', resolve));
      socket.ping();
      await answered;
    }
    const after = await hub.lastActivity('alice');
    if (pings) expect(after.proxy > before.proxy).toBe(true);
    else expect(after.proxy).toBe(before.proxy);
    await client.run('2').done;
    await expect.poll(async () => (await hub.lastActivity('alice')).proxy > after.proxy).toBe(true);
  });
});

/** What stays as it is for two seconds: what is under way ends first. */
async function still<T>(read: () => Promise<T>): Promise<T> {
  for (let last = await read(); ; ) {
    await delay(2000);
    const now = await read();
    if (isDeepStrictEqual(now, last)) return now;
    last = now;
  }
}

function cookiesOf({ headers }: HubAnswer): string {
  return [headers['set-cookie'] ?? []]
    .flat()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
}
