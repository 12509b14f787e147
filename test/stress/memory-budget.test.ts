import { expect, test } from 'vitest';
import { clientFrame } from '../helpers/frames.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { flood, MiB, type Pair, peakOf, Stage, until } from './load.ts';

const sent = clientFrame(Buffer.alloc(1000, 1), { opcode: 2 });
// A server's frame: the same size, unmasked.
const answered = Buffer.concat([Buffer.from('827e03e8', 'hex'), Buffer.alloc(1000, 2)]);

/** Milliseconds that a message of 1 KB takes from client to upstream and back. */
async function roundTrip({ client, upstream }: Pair): Promise<number> {
  const started = performance.now();
  client.send(sent);
  await upstream.bytes(sent.length);
  upstream.send(answered);
  await client.bytes(answered.length);
  return performance.now() - started;
}

function p99(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)];
}

/** Resolves when what is measured is more than nothing, and has stayed the same for a second. */
async function settled(measure: () => Promise<number>): Promise<void> {
  let seen = -1;
  await until(async () => {
    const last = seen;
    seen = await measure();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return seen > 0 && seen === last;
  });
}

test('500 receivers that never read stay within a budget of 64 MiB, and those that keep up keep their latency', async () => {
  const receivers = 500;
  await using stage = await Stage.start(
    { limits: { upstream: { max_pause: '1h' } }, ping: { client: 'off' } },
    { memory: { max_buffered: '64MiB' }, timeouts: { close: '1s' } },
  );
  const wellBehaved = await stage.openMany(4);
  const stuck = await stage.openMany(receivers);
  const roundTrips = async (pair: Pair) => {
    const times: number[] = [];
    for (let turn = 0; turn < 400; turn++) {
      times.push(await roundTrip(pair));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return times;
  };
  /** The 99th percentile in the quietest of three measurements: what Sluice does stays, what the machine does passes. */
  const measure = async () => {
    const found: number[] = [];
    for (let i = 0; i < 3; i++) found.push(p99((await Promise.all(wellBehaved.map(roundTrips))).flat()));
    return Math.min(...found);
  };
  await measure();
  const idle = await stage.resident();
  const before = await measure();
  for (const { client } of stuck) client.pause();
  const stops = stuck.map(({ upstream }) => flood(upstream, 100_000, false));
  const shed = async () => stage.sluice.metric('connections_closed_total', { closed_by: 'sluice', reason: 'memory' });
  let during = before;
  let pressure = 0;
  const attack = (async () => {
    // The kernel's buffers fill first, which takes all processors; what counts is how it is when the receivers are stuck.
    await settled(shed);
    during = await measure();
    pressure = await stage.sluice.metric('memory_pressure_ratio');
  })();
  const grown = (await peakOf(() => stage.resident(), attack)) - idle;
  console.log(
    `500 stuck receivers, 64 MiB: RSS grew by ${(grown / MiB).toFixed(1)} MiB, pressure ${pressure.toFixed(2)}, ` +
      `${await shed()} shed; p99 of the others ${before.toFixed(2)} ms before, ${during.toFixed(2)} ms now`,
  );
  expect(grown).toBeLessThan(96 * MiB);
  expect(pressure).toBeLessThanOrEqual(1.01);
  expect(pressure).toBeGreaterThan(0.75);
  expect(during).toBeLessThan(3 * before);
  // Open connections come first: a new one is refused, and told when to come again.
  const refused = await rawConnect(stage.sluice.port);
  refused.sendText(handshakeRequest());
  const answer = await refused.head();
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toMatch(/\r\nRetry-After: ([5-9]|10)\r\n/);
  for (const stop of stops) stop();
  for (const { client, upstream } of stuck) {
    client.socket.destroy();
    upstream.socket.destroy();
  }
  await until(async () => (await stage.sluice.metric('memory_pressure_ratio')) < 0.1);
  await stage.open();
});

test('1 500 connections of which neither side reads stay within a budget of 64 MiB, and many of them stay open', async () => {
  const connections = 1500;
  await using stage = await Stage.start(
    {
      limits: { client: { max_pause: '1h' }, upstream: { max_pause: '1h' } },
      ping: { client: 'off', upstream: 'off' },
    },
    { memory: { max_buffered: '64MiB' }, timeouts: { close: '1s' } },
    // As the chart starts it where a pod has 256 MiB: the budget is for buffers, and this for what V8 may let its heap be.
    { nodeOptions: '--max-old-space-size=64 --max-semi-space-size=16' },
  );
  const pairs = await stage.openMany(connections);
  const idle = await stage.resident();
  for (const { client, upstream } of pairs) {
    client.pause();
    upstream.pause();
  }
  const violations = () => stage.sluice.metric('limit_violations_total', { limit: 'memory.max_buffered' });
  const stops = pairs.flatMap(({ client, upstream }) => [
    flood(upstream, 100_000, false),
    flood(client, 100_000, true),
  ]);
  const grown = (await peakOf(() => stage.resident(), settled(violations))) - idle;
  const ended = await violations();
  console.log(
    `${connections} connections that are stuck both ways, 64 MiB: RSS grew by ${(grown / MiB).toFixed(1)} MiB, ${ended} ended`,
  );
  expect(grown).toBeLessThan(96 * MiB);
  // What is in flight to each of them is a read: not all of them can stay, but no more go than must.
  expect(ended).toBeLessThan(connections * 0.75);
  for (const stop of stops) stop();
  for (const { client, upstream } of pairs) {
    client.socket.destroy();
    upstream.socket.destroy();
  }
  await until(async () => (await stage.sluice.metric('memory_pressure_ratio')) < 0.1);
  await stage.open();
});
