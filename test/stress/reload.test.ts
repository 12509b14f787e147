/** A thousand live connections with traffic, while the configuration changes under them. */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { Sluice, type SluiceConfig } from '../real/harness/sluice.ts';
import { Echo } from './echo.ts';
import type { Pair } from './load.ts';

const count = 1000;
const KiB = 1024;
/**
 * Between two messages of one connection: 2000 messages a second both ways are traffic, and leave room for the rest.
 */
const pauseMs = 1000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('1000 connections with traffic: ten reloads close none, a lower limit bites on the next message, a higher one lets it pass', async () => {
  await using backend = await fakeUpstream();
  const configFor = (limits: object, more: object = {}): SluiceConfig => ({
    routes: [{ name: 'stress', upstream: `http://127.0.0.1:${backend.port}`, limits, ...more }],
  });
  const messages = (size: number) => ({ client: { max_message_size: size }, upstream: { max_message_size: size } });
  await using sluice = await Sluice.start(configFor(messages(1024 * KiB)));
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    pairs.push({ client: await rawClient(sluice.port), upstream: await backend.next() });
  }
  const closed = () => sluice.metric('connections_closed_total');
  const active = () => sluice.metric('connections_active');

  let on = true;
  const talks = Promise.all(pairs.map((pair, i) => converse(pair, i, () => on)));
  const times: number[] = [];
  for (let round = 0; round < 10; round++) {
    const since = performance.now();
    await sluice.reconfigure(
      configFor(
        {
          client: {
            max_message_size: `${2 + round}KiB`,
            max_buffer_size: `${64 + round}KiB`,
            max_message_rate: `${50 + round}/s`,
          },
          upstream: { max_message_size: round % 2 ? 'unlimited' : '1KiB', max_queue: 10 + round },
          connections: { max: round % 2 ? 10 : 2000 },
        },
        { ping: { client: `${2 + round}s` }, idle_timeout: `${60 + round}s` },
      ),
    );
    times.push(Math.round(performance.now() - since));
    expect(await active()).toBe(count);
    await pause(500);
  }
  on = false;
  const exchanged = (await talks).reduce((sum, n) => sum + n, 0);
  expect([await active(), await closed()]).toEqual([count, 0]);
  expect(exchanged).toBeGreaterThan(count);
  console.log(`reload: ${exchanged} messages each way, every byte compared; in force after ${times.join(', ')} ms`);

  // Whatever the reloads before have left, from here on no pings and rates.
  await sluice.reconfigure(configFor(messages(2000)));
  const [refused, others] = [pairs.slice(0, 100), pairs.slice(100)];
  await Promise.all(
    refused.map(async ({ client }) => {
      client.send(clientFrame(Buffer.alloc(2001)));
      const { code, reason } = await client.closeFrame();
      expect([code, reason]).toEqual([1009, 'message of 2001 bytes exceeds 2000 (route stress)']);
    }),
  );
  await sluice.reconfigure(configFor(messages(2001)));
  const message = clientFrame(Buffer.alloc(2001));
  await Promise.all(
    others.map(async ({ client, upstream }) => {
      client.send(message);
      expect((await upstream.bytes(message.length)).equals(message)).toBe(true);
    }),
  );
  expect(await closed()).toBe(await sluice.metric('connections_closed_total', { reason: 'message_too_big' }));
});

/** Sends messages of one's own byte both ways and compares what arrives, pings aside. Returns how many. */
async function converse({ client, upstream }: Pair, seed: number, on: () => boolean): Promise<number> {
  await pause((seed / count) * pauseMs);
  let sent = 0;
  while (on()) {
    const payload = Buffer.alloc(1 + ((seed * 7919 + sent * 104_729) % KiB), seed);
    client.send(clientFrame(payload, { opcode: 2 }));
    const up = await upstream.frameOf(2);
    upstream.send(frame(payload, { opcode: 2 }));
    const down = await client.frameOf(2);
    if (!up.payload.equals(payload) || !down.payload.equals(payload)) throw new Error(`foreign bytes in ${seed}`);
    sent++;
    await pause(pauseMs);
  }
  return sent;
}

test('5000 routes: a reload holds an echo up for 50 ms at most', async () => {
  await using echo = new Echo();
  const upstream = `http://127.0.0.1:${await echo.backendPort()}`;
  const configFor = (size: number): SluiceConfig => ({
    routes: [
      { name: 'echo', upstream },
      ...Array.from({ length: 4999 }, (_, i) => ({
        name: `user${i}`,
        match: { path: `/user/name${i}` },
        upstream,
        preset: 'fastapi',
        limits: { client: { max_message_size: size + (i % 7) } },
      })),
    ],
  });
  await using sluice = await Sluice.start(configFor(1000));
  await using _ = echo.connect({ port: sluice.port, tls: false, pid: sluice.process.pid });
  const stalls: number[] = [];
  for (let round = 1; round <= 5; round++) {
    await echo.longest();
    await sluice.reconfigure(configFor(1000 + round));
    stalls.push(Math.round(await echo.longest()));
  }
  console.log(`reload of 5000 routes: Sluice worked for ${stalls.join(', ')} ms before it came to an echo`);
  expect(stalls.sort((a, b) => a - b)[2]).toBeLessThanOrEqual(50);
});
