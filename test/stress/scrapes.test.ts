/** What scrapes of hundreds of routes cost those whose messages pass meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { residentBytes } from '../real/harness/process-memory.ts';
import { Sluice } from '../real/harness/sluice.ts';
import { MiB } from './load.ts';

const routeCount = 500;

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

test('scrapes of 500 used routes, ordinary and hostile ones, do not hold an echo up', async () => {
  await using upstream = await fakeUpstream();
  const routes = Array.from({ length: routeCount }, (_, i) => ({
    name: `user-${i}`,
    match: { path: `/user/${i}` },
    upstream: `http://127.0.0.1:${upstream.port}`,
    preset: 'jupyter',
  }));
  await using sluice = await Sluice.start({ routes });
  // Each route is used once, so that all of its series are there.
  for (let i = 0; i < routeCount; i++) {
    const client = await rawClient(sluice.port, { path: `/user/${i}/` });
    const peer = await upstream.next();
    client.send(clientFrame('hello'));
    await peer.frame();
    client.socket.destroy();
    peer.socket.destroy();
  }
  const client = await rawClient(sluice.port, { path: '/user/0/' });
  const peer = await upstream.next();
  peer.socket.on('data', () => peer.socket.write(Buffer.from('\x81\x02hi', 'latin1')));
  const waits: number[] = [];
  let on = true;
  const echoing = (async () => {
    while (on) {
      const began = performance.now();
      client.send(clientFrame('hi'));
      await client.frame();
      waits.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const waited = () => {
    const sorted = waits.splice(0).sort((a, b) => a - b);
    return { p99: sorted[Math.floor(sorted.length * 0.99)]!, longest: sorted.at(-1)! };
  };
  const report = async (what: string, { p99, longest }: ReturnType<typeof waited>) => {
    const mib = Math.round((await residentBytes(sluice.process.pid)) / MiB);
    console.log(`${what}: an echo waits ${p99.toFixed(1)} ms (p99), ${longest.toFixed(1)} ms at most; ${mib} MiB`);
    return mib;
  };
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  await pause(1000);
  const quiet = waited();
  const before = await report('no scrape', quiet);
  const ordinary: number[] = [];
  for (let i = 0; i < 5; i++) {
    expect(await scrapeFrom(sluice.adminPort, 'at once', 1)).toEqual({ 200: 1 });
    ordinary.push(waited().longest);
    await pause(1100);
    waited();
  }
  ordinary.sort((a, b) => a - b);
  await report('a scrape, the median of five', { p99: ordinary[2]!, longest: ordinary[2]! });

  const hostile = await scrapeFrom(sluice.adminPort, 'at once', 50);
  expect(hostile[503]).toBeGreaterThan(0);
  expect((hostile[200] ?? 0) + hostile[503]!).toBe(50);
  const many = waited();
  await report('50 scrapes at once', many);

  expect(await scrapeFrom(sluice.adminPort, 'pipelined', 500)).toEqual({ 200: 500 });
  const pipelined = waited();
  const after = await report('500 scrapes in one write', pipelined);

  on = false;
  await echoing;
  client.socket.destroy();
  expect(ordinary[2]).toBeLessThan(25 + quiet.longest);
  expect(many.longest).toBeLessThan(100 + quiet.longest);
  expect(pipelined.p99).toBeLessThan(100 + quiet.p99);
  expect(after - before).toBeLessThan(64);
});
