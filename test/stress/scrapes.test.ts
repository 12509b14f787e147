/**
 * What scrapes of hundreds of routes cost those whose messages pass meanwhile: how much of its time on a core Sluice
 * spends before it comes to a message.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type FakeUpstream, fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { residentBytes } from '../real/harness/process-memory.ts';
import { Sluice } from '../real/harness/sluice.ts';
import { Echo } from './echo.ts';
import { MiB } from './load.ts';
import { Neighbour } from './neighbour.ts';

const routeCount = 500;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const ms = (time: number) => `${time.toFixed(1)} ms`;

/** Asks `/metrics` from a process of its own, `times` at once or one behind the other on one connection. */
async function scrapeFrom(port: number, how: 'at once' | 'pipelined', times: number): Promise<Record<string, number>> {
  const program = `
    import { connect } from 'node:net';
    const ask = (more) => 'GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\nAccept-Encoding: identity\\r\\n' + more + '\\r\\n';
    const send = (text) => new Promise((resolve) => {
      const socket = connect(${port}, '127.0.0.1', () => socket.write(text));
      let seen = '';
      const statuses = {};
      socket.on('data', (chunk) => {
        const text = seen + chunk.toString('latin1');
        for (const [, status] of text.matchAll(/HTTP\\/1\\.1 (\\d{3}) /g)) statuses[status] = (statuses[status] ?? 0) + 1;
        seen = text.slice(-12);
      });
      socket.on('error', () => {}).on('close', () => resolve(statuses));
    });
    const all = ${how === 'at once'}
      ? await Promise.all(Array.from({ length: ${times} }, () => send(ask('Connection: close\\r\\n'))))
      : [await send(ask('').repeat(${times} - 1) + ask('Connection: close\\r\\n'))];
    const sum = {};
    for (const one of all) for (const [status, count] of Object.entries(one)) sum[status] = (sum[status] ?? 0) + count;
    console.log(JSON.stringify(sum));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return JSON.parse(text) as Record<string, number>;
}

/** The routes of a hub's users, all to one upstream. */
function userRoutes({ port }: FakeUpstream) {
  return Array.from({ length: routeCount }, (_, i) => ({
    name: `user-${i}`,
    match: { path: `/user/${i}` },
    upstream: `http://127.0.0.1:${port}`,
    preset: 'jupyter',
  }));
}

/** Uses each route once, so that all of its series are there. */
async function useAll(sluice: Sluice, upstream: FakeUpstream): Promise<void> {
  for (let i = 0; i < routeCount; i++) {
    const client = await rawClient(sluice.port, { path: `/user/${i}/` });
    const peer = await upstream.next();
    client.send(clientFrame('hello'));
    await peer.frame();
    client.socket.destroy();
    peer.socket.destroy();
  }
}

test('scrapes of 500 used routes, ordinary and hostile ones, do not hold an echo up', async () => {
  await using upstream = await fakeUpstream();
  await using echo = new Echo();
  const routes = userRoutes(upstream);
  const echoRoute = {
    name: 'echo',
    match: { path: '/echo' },
    upstream: `http://127.0.0.1:${await echo.backendPort()}`,
  };
  await using sluice = await Sluice.start({ routes: [...routes, echoRoute] });
  await useAll(sluice, upstream);
  await using _ = echo.connect({ port: sluice.port, tls: false, pid: sluice.process.pid });
  const report = async (what: string, told: string) => {
    const mib = Math.round((await residentBytes(sluice.process.pid)) / MiB);
    console.log(`${what}: an echo waits ${told}; ${mib} MiB`);
    return mib;
  };

  await pause(1000);
  const before = await report('no scrape', `${ms(await echo.longest())} at most`);
  const ordinary: number[] = [];
  for (let i = 0; i < 5; i++) {
    expect(await scrapeFrom(sluice.adminPort, 'at once', 1)).toEqual({ 200: 1 });
    ordinary.push(await echo.longest());
    await pause(1100);
    await echo.longest();
  }
  await report('a scrape, five times', `${ordinary.map(ms).join(', ')} at most`);

  const hostile = await scrapeFrom(sluice.adminPort, 'at once', 50);
  expect(hostile[503]).toBeGreaterThan(0);
  expect((hostile[200] ?? 0) + hostile[503]!).toBe(50);
  const many = await echo.longest();
  await report('50 scrapes at once', `${ms(many)} at most`);

  expect(await scrapeFrom(sluice.adminPort, 'pipelined', 500)).toEqual({ 200: 500 });
  const pipelined = await echo.p99();
  const after = await report('500 scrapes in one write', `${ms(pipelined)} (p99)`);

  expect(ordinary.sort((a, b) => a - b)[2]).toBeLessThan(25);
  expect(many).toBeLessThan(50);
  expect(pipelined).toBeLessThan(25);
  expect(after - before).toBeLessThan(64);
});

test('500 used routes, scraped each second by two, plain and gzip: an echo, /healthz and memory', async () => {
  await using upstream = await fakeUpstream();
  const neighbour = await Neighbour.start({ routes: userRoutes(upstream) });
  const { sluice } = neighbour;
  await useAll(sluice, upstream);
  /** The text, or `null` where it is not served. */
  const scrape = async (encoding: 'gzip' | 'identity'): Promise<string | null> => {
    const agent = new Agent({ keepAlive: true });
    const request = get(`${sluice.adminUrl}/metrics`, { agent, headers: { 'Accept-Encoding': encoding } });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const body = await buffer(answer);
    agent.destroy();
    if (answer.statusCode !== 200) return null;
    expect(answer.headers['content-encoding'] ?? 'identity').toBe(encoding);
    return (encoding === 'gzip' ? gunzipSync(body) : body).toString('latin1');
  };
  const served = [0, 0];
  const scraping = async () => {
    for (let round = 0; round < 10; round++) {
      const texts = await Promise.all([scrape('identity'), scrape('gzip')]);
      for (const [i, text] of texts.entries()) {
        if (text === null) continue;
        expect(new Set(text.match(/(?<=sluice_handshakes_total\{route=")user-\d+/g)).size).toBe(routeCount);
        served[i]!++;
      }
      // By then it is rendered anew.
      await pause(1100);
    }
  };
  const work = scraping();
  // A rendering in one go takes half as long again.
  await neighbour.watch('two scrapes a second of 500 routes', work, 120_000, 20);
  await work;
  expect(Math.min(...served)).toBeGreaterThan(5);
});
