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
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
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
  // What the machine itself does to a latency meanwhile is seen in a Sluice that nobody attacks.
  await using untouched = await Stage.start({});
  const wellBehaved = await stage.openMany(4);
  const beside = await untouched.openMany(4);
  const stuck = await stage.openMany(receivers);
  /** The 99th percentiles of round trips through each of the two, one of each after the other. */
  const measure = async () => {
    const times: number[] = [];
    const timesBeside: number[] = [];
    const turns = wellBehaved.map(async (pair, i) => {
      for (let turn = 0; turn < 400; turn++) {
        times.push(await roundTrip(pair));
        timesBeside.push(await roundTrip(beside[i]!));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    await Promise.all(turns);
    return { attacked: p99(times), beside: p99(timesBeside) };
  };
  /**
   * Ten measurements at most: what Sluice does to the latency stays, what the machine does to one of the two passes.
   */
  const latencyHolds = async () => {
    for (let i = 0; i < 10; i++) {
      during = await measure();
      if (during.attacked < 3 * Math.max(before.attacked, during.beside)) return true;
    }
    return false;
  };
  await measure();
  const idle = await stage.resident();
  // The quietest of three: what the machine did then is no excuse later.
  const before = [await measure(), await measure(), await measure()].toSorted((a, b) => a.attacked - b.attacked)[0]!;
  for (const { client } of stuck) client.pause();
  const stops = stuck.map(({ upstream }) => flood(upstream, 100_000, false));
  const shed = async () => stage.sluice.metric('connections_closed_total', { closed_by: 'sluice', reason: 'memory' });
  let during = before;
  let held = false;
  let pressure = 0;
  const attack = (async () => {
    // The kernel's buffers fill first, which takes all processors; what counts is how it is when the receivers are
    // stuck.
    await settled(() => stage.sluice.metric('wire_bytes_total', { sender: 'upstream' }));
    held = await latencyHolds();
    pressure = await stage.sluice.metric('memory_pressure_ratio');
  })();
  const grown = (await peakOf(() => stage.resident(), attack)) - idle;
  console.log(
    `500 stuck receivers, 64 MiB: RSS grew by ${(grown / MiB).toFixed(1)} MiB, pressure ${pressure.toFixed(2)}, ` +
      `${await shed()} shed; p99 of the others ${before.attacked.toFixed(2)} ms before, ` +
      `${during.attacked.toFixed(2)} ms now; without an attack ${before.beside.toFixed(2)} and ${during.beside.toFixed(2)} ms`,
  );
  expect(grown).toBeLessThan(96 * MiB);
  expect(pressure).toBeLessThanOrEqual(1.01);
  expect(pressure).toBeGreaterThan(0.75);
  expect(held, 'less than three times what it is without an attack').toBe(true);
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
    // As the chart starts it where a pod has 256 MiB: the budget is for buffers, and this for what V8 may let its heap
    // be.
    { nodeOptions: '--max-old-space-size=64 --max-semi-space-size=8' },
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
  // One read of 32 KiB waits for each receiver, so 1024 connections fit: a third must go, and few more do.
  expect(ended).toBeLessThan(connections * 0.45);
  for (const stop of stops) stop();
  for (const { client, upstream } of pairs) {
    client.socket.destroy();
    upstream.socket.destroy();
  }
  await until(async () => (await stage.sluice.metric('memory_pressure_ratio')) < 0.1);
  await stage.open();
});
