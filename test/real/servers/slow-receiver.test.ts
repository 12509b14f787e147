/** Tornado pings and a client that takes nothing: whoever loses patience first ends it, and says so. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, it } from 'vitest';
import { Sluice } from '../harness/sluice.ts';
import { route, through } from './fleet.ts';
import { type PythonApp, startApp } from './python-app.ts';
import { type Drained, PythonClient } from './python-client.ts';

/** More than the kernels' buffers hold. */
const messages = 64;
const flood = new URLSearchParams({ messages: String(messages), bytes: String(1024 * 1024) });

let tornado: PythonApp;
let client: PythonClient;
let sluice: Sluice;

beforeAll(async () => {
  tornado = await startApp('tornado');
  client = new PythonClient();
  const patience = (max_pause: string): Readonly<Record<string, unknown>> => ({ limits: { upstream: { max_pause } } });
  sluice = await Sluice.start({
    routes: [
      route('impatient', tornado.ports.forbearing!, patience('1s')),
      route('patient', tornado.ports.pinging!, patience('20s')),
      route('unpinged', tornado.ports.default!, patience('20s')),
    ],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await client?.[Symbol.asyncDispose]();
  await tornado?.[Symbol.asyncDispose]();
});

/**
 * Floods a client that reads nothing until the server has given up on it, and then everything. Tornado waits 5 s more
 * for the answer to its close.
 */
async function flooded(base: string, port: number): Promise<{ client: Drained; server: unknown }> {
  const name = randomUUID();
  await client.run('open_unread', { uri: `${base}/flood?${flood}&name=${name}`, name });
  await (await fetch(`http://127.0.0.1:${port}/given-up?name=${name}`)).text();
  const end = await client.run('read_all', { name });
  const server: unknown = await (await fetch(`http://127.0.0.1:${port}/closed?name=${name}`)).json();
  return { client: end, server };
}

it.concurrent('directly, the server gives up on the client that cannot answer its ping', async ({ expect }) => {
  const port = tornado.ports.pinging!;
  const { client: end, server } = await flooded(`ws://127.0.0.1:${port}`, port);
  expect(end).toMatchObject({ code: 1000, reason: 'ping timed out', ordered: true });
  expect(end.messages).toBeLessThan(messages);
  expect(server).toEqual({ code: 1000, reason: 'ping timed out' });
});

it.concurrent('with max_pause below the ping timeout, the gateway names the slow receiver first', async ({
  expect,
}) => {
  const { client: end, server } = await flooded(through(sluice, 'impatient'), tornado.ports.forbearing!);
  // Where the client's socket took nothing at all there was no room for a close frame: it was reset.
  expect([1013, null]).toContain(end.code);
  expect(end.ordered).toBe(true);
  expect(server).toMatchObject({ code: 1001 });
  const labels = { route: 'impatient', sender: 'upstream', limit: 'max_pause' };
  expect(await sluice.metric('limit_violations_total', labels)).toBe(1);
  expect(
    await sluice.metric('connections_closed_total', {
      route: 'impatient',
      closed_by: 'sluice',
      reason: 'slow_receiver',
    }),
  ).toBe(1);
});

it.concurrent('with max_pause above the ping timeout, the server ends it and its code passes', async ({ expect }) => {
  const { client: end, server } = await flooded(through(sluice, 'patient'), tornado.ports.pinging!);
  expect(end).toMatchObject({ code: 1000, reason: 'ping timed out', ordered: true });
  expect(end.messages).toBeLessThan(messages);
  // The server's close is answered by the gateway, with its code.
  expect(server).toMatchObject({ code: 1000 });
  expect(
    await sluice.metric('connections_closed_total', {
      route: 'patient',
      closed_by: 'upstream',
      reason: 'upstream_closed',
    }),
  ).toBe(1);
});

it.concurrent('a server that does not ping loses nothing to the pause', async ({ expect }) => {
  const name = randomUUID();
  await client.run('open_unread', { uri: `${through(sluice, 'unpinged')}/flood?${flood}&name=${name}`, name });
  await expect.poll(() => sluice.metric('pauses_total', { route: 'unpinged', sender: 'upstream' })).toBeGreaterThan(0);
  // Longer than Tornado's patience where it pings. The pause is what is being tested, not a wait for something.
  await delay(6500);
  const end = await client.run('read_all', { name });
  expect(end).toEqual({ messages, ordered: true, code: 1000, reason: 'all sent' });
  expect(await sluice.metric('limit_violations_total', { route: 'unpinged' })).toBe(0);
});
