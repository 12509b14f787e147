import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { socketsOn } from '../../helpers/sockets.ts';
import type { Sluice } from '../harness/sluice.ts';
import { token } from '../jupyter/jupyter-server.ts';
import { KernelClient } from '../jupyter/kernel-client.ts';
import { sluiceBefore } from './gateway.ts';
import { Hub } from './hub.ts';

const headers = { Authorization: `token ${token}` };

/** Servers of users take their time where much else runs. */
const startsMs = 240_000;

describe('JupyterHub behind Sluice', { timeout: startsMs }, () => {
  let hub: Hub;
  /** Paths of alice's default and named server. */
  let alice: string;
  let second: string;
  beforeAll(async () => {
    hub = await Hub.start();
    alice = await hub.startServer('alice');
    second = await hub.startServer('alice', 'second');
  }, startsMs);
  afterAll(() => hub?.stop());

  it('tells of a spawn event by event; stopped with its page open, a server leaves no socket', async () => {
    await using sluice = await sluiceBefore(hub);
    const { path, progress } = await hub.requestServer('bob');
    const events = await fetch(`${sluice.url}/hub/api${progress}`, { headers: { ...headers, Connection: 'close' } });
    expect(events.headers.get('content-type')).toContain('text/event-stream');
    const decoder = new TextDecoder();
    const reads: string[] = [];
    for await (const bytes of events.body!) reads.push(decoder.decode(bytes));
    const first = reads.findIndex((text) => text.includes('"progress": 0'));
    const ready = reads.findIndex((text) => text.includes('"ready": true'));
    expect(first).toBeGreaterThanOrEqual(0);
    expect(ready).toBeGreaterThan(first);

    const toProxy = await socketsOn([hub.port]);
    const socket = await silentSocket(sluice, path);
    const gone = once(socket, 'close');
    await hub.api('DELETE', '/users/bob/server');
    const [code] = (await gone) as [number];
    const end = await sluice.logged({ event: 'end', route: 'hub' });
    expect(end).toMatchObject({ closed_by: 'upstream', close_codes: { sent_to_client: code } });
    expect(await sluice.metric('connections_active', { route: 'hub' })).toBe(0);
    const settled = { timeout: 90_000, interval: 100 };
    await vi.waitFor(async () => expect(await socketsOn([sluice.port])).toBe(0), settled);
    await vi.waitFor(async () => expect(await socketsOn([hub.port])).toBeLessThanOrEqual(toProxy), settled);
  });

  it('runs kernels in a default and in a named server', async () => {
    await using sluice = await sluiceBefore(hub);
    for (const path of [alice, second]) {
      await using client = await KernelClient.start(sluice.url + path);
      expect(client.current.socket.protocol).toBe('v1.kernel.websocket.jupyter.org');
      const run = client.run('import os\nprint(os.environ["JUPYTERHUB_SERVICE_PREFIX"])');
      await run.done;
      expect(run.lines).toEqual([`${path}/`]);
    }
  });

  it('refuses an oversize request with 1009 and the reason, and the client comes back', async () => {
    await using sluice = await sluiceBefore(hub);
    await using client = await KernelClient.start(sluice.url + alice);
    client.run('1', 10 * 1024 * 1024);
    const { code, reason } = await client.sockets[0]!.closed;
    expect(code).toBe(1009);
    expect(reason).toMatch(/^message of [\d.]+ MiB exceeds 10 MiB \(route hub\)$/);
    await client.connection('connected');
    const run = client.run('print(1 + 1)');
    await run.done;
    expect(run.lines).toEqual(['2']);
    const violations = { route: 'hub', sender: 'client', limit: 'max_message_size', action: 'close' };
    expect(await sluice.metric('limit_violations_total', violations)).toBe(1);
  });

  it('lets a silent server age: pings of the client leg are no activity, those of the upstream leg would be', async () => {
    await using quiet = await sluiceBefore(hub, { ping: { client: '100ms' } });
    await using noisy = await sluiceBefore(hub, { ping: { client: 'off', upstream: '100ms' } });

    const socket = await silentSocket(quiet, alice);
    await pings(quiet, 'client', 5);
    const before = await settledActivity();
    await pings(quiet, 'client', 20);
    expect(await hub.lastActivity('alice')).toEqual(before);
    await closed(socket);

    const active = await silentSocket(noisy, alice);
    const opened = await hub.lastActivity('alice');
    await pings(noisy, 'upstream', 20);
    const after = await hub.lastActivity('alice');
    expect(Date.parse(after.proxy)).toBeGreaterThan(Date.parse(opened.proxy));
    await closed(active);
  });

  it('gives hub and servers the scheme that a trusted ingress saw, so that their cookies are for https only', async () => {
    await using behindIngress = await sluiceBefore(hub, {}, { listen: { trusted_proxies: ['127.0.0.0/8'] } });
    await using alone = await sluiceBefore(hub);
    for (const [sluice, secure] of [
      [behindIngress, true],
      [alone, false],
    ] as const) {
      const login = await cookiesOfLogin(sluice, 'alice');
      expect(login.map(isSecure)).toEqual(login.map(() => secure));
      const { cookies } = await send(sluice, `${alice}/lab`);
      expect(cookies.map(isSecure)).toEqual(cookies.map(() => secure));
      expect([login.length, cookies.length]).toEqual([expect.toSatisfy(Boolean), expect.toSatisfy(Boolean)]);
    }
  });

  /** A socket on which nobody says a word. */
  async function silentSocket(sluice: Sluice, server: string): Promise<WebSocket> {
    const socket = new WebSocket(`${sluice.url.replace('http', 'ws')}${server}/api/events/subscribe`, { headers });
    await once(socket, 'open');
    return socket;
  }

  async function closed(socket: WebSocket): Promise<void> {
    const gone = once(socket, 'close');
    socket.close();
    await gone;
  }

  /** Waits for this many more pings of a leg to be answered. */
  async function pings(sluice: Sluice, leg: 'client' | 'upstream', count: number): Promise<void> {
    const answered = () => sluice.metric('ping_rtt_seconds_count', { leg });
    const start = await answered();
    await vi.waitFor(async () => expect((await answered()) - start).toBeGreaterThanOrEqual(count), {
      timeout: 90_000,
      interval: 50,
    });
  }

  /** The activity that the hub has taken over from its proxy. */
  async function settledActivity(): Promise<{ hub: string; proxy: string }> {
    return vi.waitFor(
      async () => {
        const activity = await hub.lastActivity('alice');
        expect(activity.hub.slice(0, 23)).toBe(activity.proxy.slice(0, 23));
        return activity;
      },
      { timeout: 90_000, interval: 100 },
    );
  }

  /** Sends a request as a browser that came over https. */
  async function send(sluice: Sluice, path: string, form?: Record<string, string>, cookie = '') {
    const body = form === undefined ? '' : new URLSearchParams(form).toString();
    const sent = request(sluice.url + path, {
      agent: false,
      method: form === undefined ? 'GET' : 'POST',
      headers: { 'X-Forwarded-Proto': 'https', Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' },
    }).end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    return { status: answer.statusCode, cookies: answer.headers['set-cookie'] ?? [] };
  }

  /** Logs in, and gives the cookies that say who it is. */
  async function cookiesOfLogin(sluice: Sluice, username: string): Promise<string[]> {
    const form = await send(sluice, '/hub/login');
    const cookie = form.cookies.map((one) => one.split(';')[0]!).find((one) => one.startsWith('_xsrf='))!;
    const fields = { username, password: 'anything', _xsrf: cookie.slice('_xsrf='.length) };
    const { status, cookies } = await send(sluice, '/hub/login', fields, cookie);
    expect(status).toBe(302);
    return cookies.filter((one) => /^jupyterhub-(session-id|hub-login)=/.test(one));
  }
});

const isSecure = (cookie: string) => /; Secure/i.test(cookie);
