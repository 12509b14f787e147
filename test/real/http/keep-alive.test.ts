/**
 * gunicorn closes a connection that has been idle for two seconds, as it does by itself. Requests that come in just
 * that moment never fail because of it, and none but one that may be repeated reaches it twice.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sluice } from '../harness/sluice.ts';
import { ask } from './ask.ts';
import { Distance } from './distance.ts';
import { startServers, type Way } from './servers.ts';

const idleMs = 2000;
/**
 * What is on its way that long cannot be known: a request that leaves within this time before the server's end
 * arrives is lost.
 */
const oneWayMs = 20;
/**
 * The pauses between two requests of one visitor: around that time, and while the connection is there for sure.
 */
const pausesMs = [...[-80, -60, -50, -40, -30, -20, -10, 0, 10, 20, 40, 80].map((ms) => idleMs + ms), 0, 500];
const rounds = 6;

/** Each has a connection to the server that nobody else takes: its route's upstream is its own. */
const visitors = ['GET', 'PUT', 'POST'].flatMap((method) => pausesMs.map((pauseMs) => ({ method, pauseMs })));
const hostOf = (visitor: number) => `visitor-${visitor}.test`;

const stack = new AsyncDisposableStack();
let sluice: Sluice;

beforeAll(async () => {
  const { ports } = stack.use(await startServers('gunicorn'));
  const upstreams = await Promise.all(visitors.map(() => Distance.start(ports.gunicorn!, oneWayMs)));
  for (const upstream of upstreams) stack.use(upstream);
  sluice = stack.use(
    await Sluice.start({
      routes: upstreams.map(({ port }, i) => ({
        name: `visitor-${i}`,
        match: { hosts: [hostOf(i)], path: '/' },
        upstream: `http://127.0.0.1:${port}`,
      })),
    }),
  );
});

afterAll(() => stack.disposeAsync());

interface Visit {
  readonly method: string;
  readonly way: Way;
  readonly id: string;
  readonly status: number;
  readonly body: string;
}

/** A visitor looks at a page, and asks when its connection to the server has been idle for a while; again and again. */
async function visits({ method, pauseMs }: (typeof visitors)[number], visitor: number): Promise<Visit[]> {
  const way: Way = { name: 'through Sluice', port: sluice.port, host: hostOf(visitor) };
  const body = method === 'GET' ? {} : { bodyBytes: 1000 };
  const all: Visit[] = [];
  for (let i = 0; i < rounds; i++) {
    // What has a body takes a connection that is there, and leaves none.
    await ask(way, { method: 'GET', target: '/seen?id=page' });
    await delay(pauseMs);
    const id = randomUUID();
    const answer = await ask(way, { method, target: `/count?id=${id}`, ...body });
    all.push({ method, way, id, status: answer.status, body: answer.body });
  }
  return all;
}

test('some hundred requests around that moment all get their answer, and no POST comes twice', async () => {
  const all = (await Promise.all(visitors.map(visits))).flat();
  expect(all).toHaveLength(visitors.length * rounds);
  expect(all.filter(({ status }) => status !== 200)).toEqual([]);
  const arrivals = async ({ way, id }: Visit) =>
    (JSON.parse((await ask(way, { method: 'GET', target: `/seen?id=${id}` })).body) as { arrivals: number }).arrivals;
  const withBody = all.filter(({ method }) => method !== 'GET');
  expect(new Set(await Promise.all(withBody.map(arrivals)))).toEqual(new Set([1]));
  expect(await sluice.metric('upstream_errors_total')).toBe(0);
});
