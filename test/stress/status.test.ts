/** What a watched status page costs the gateway while 2 000 connections carry light traffic. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clientFrame } from '../helpers/frames.ts';
import { discard, type Pair, Stage, until } from './load.ts';

const connections = 2000;
/** Each connection sends this often. */
const everyMs = 4000;
const phaseMs = 5000;
const phases = 3;
/** The kernel counts CPU time in hundredths of a second. */
const ticksPerSecond = 100;

/** CPU time of a process so far, user and system, in seconds. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** What a page does: it reads the feed, and asks for the table every three seconds. */
function openPage(adminUrl: string): { readonly ticks: () => number; readonly listings: () => number; close(): void } {
  const gone = new AbortController();
  let ticks = 0;
  let listings = 0;
  const read = async () => {
    const { body } = await fetch(`${adminUrl}/api/feed`, { signal: gone.signal });
    for await (const chunk of body!.pipeThrough(new TextDecoderStream()))
      ticks += chunk.split('event: tick').length - 1;
  };
  const list = async () => {
    const { signal } = gone;
    const answer = await fetch(`${adminUrl}/api/connections?sort=buffered&order=desc&limit=25&offset=0`, { signal });
    const { total } = (await answer.json()) as { total: number };
    if (total === connections) listings++;
  };
  const asking = setInterval(() => void list().catch(() => {}), 3000);
  void read().catch(() => {});
  return {
    ticks: () => ticks,
    listings: () => listings,
    close() {
      clearInterval(asking);
      gone.abort();
    },
  };
}

test('a status page that is watched costs less than 5 % of a core with 2 000 connections', async () => {
  await using stage = await Stage.start({ limits: { connections: { max: connections } } });
  const pairs: Pair[] = await stage.openMany(connections);
  for (const { client, upstream } of pairs) {
    discard(client);
    discard(upstream);
  }
  const message = clientFrame('x'.repeat(100));
  let next = 0;
  const step = everyMs / connections;
  const began = performance.now();
  const sending = setInterval(() => {
    for (; next < (performance.now() - began) / step; next++) pairs[next % connections]!.client.send(message);
  }, 20);
  const pid = stage.sluice.process.pid;
  const used = { alone: 0, watched: 0 };
  let ticks = 0;
  let listings = 0;
  try {
    await until(async () => (await stage.sluice.metric('messages_total')) >= connections);
    // In turns, so that whatever else the machine does falls on both alike.
    for (let i = 0; i < 2 * phases; i++) {
      const page = i % 2 === 0 ? null : openPage(stage.sluice.adminUrl);
      const before = cpuSeconds(pid);
      await new Promise((resolve) => setTimeout(resolve, phaseMs));
      used[page ? 'watched' : 'alone'] += cpuSeconds(pid) - before;
      ticks += page?.ticks() ?? 0;
      listings += page?.listings() ?? 0;
      page?.close();
    }
  } finally {
    clearInterval(sending);
  }
  const seconds = (phases * phaseMs) / 1000;
  const share = (used.watched - used.alone) / seconds;
  const percent = (cpu: number) => `${((100 * cpu) / seconds).toFixed(1)} %`;
  console.log(
    `2000 connections, ${1000 / step} messages/s: ${percent(used.alone)} of a core alone, ` +
      `${percent(used.watched)} watched, so ${(100 * share).toFixed(2)} % for the page`,
  );
  expect(ticks).toBeGreaterThan(0.7 * seconds);
  expect(listings).toBeGreaterThanOrEqual(phases);
  expect(share).toBeLessThan(0.05);
  for (const { client, upstream } of pairs) {
    client.socket.destroy();
    upstream.socket.destroy();
  }
});
