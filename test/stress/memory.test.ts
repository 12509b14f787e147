import { expect, test } from 'vitest';
import { discard, flood, MiB, peakOf, Stage, sendLarge, until } from './load.ts';

test('8 messages of 150 MB at once grow the process by no more than 16 MB', async () => {
  const size = 150e6;
  await using stage = await Stage.start({
    limits: { client: { max_message_size: '160MB' } },
  });
  const pairs = await stage.openMany(8);
  for (const { client, upstream } of pairs) {
    discard(client);
    const arrived = discard(upstream);
    // Warm: code compiled, buffers that every busy process has.
    await sendLarge(client, 1e6, true);
    await until(() => arrived.bytes > 1e6);
  }
  const before = await stage.resident();
  const arrived = pairs.map(({ upstream }) => discard(upstream));
  const passing = Promise.all(
    pairs.map(async ({ client }, i) => {
      await sendLarge(client, size, true);
      await until(() => arrived[i]!.bytes === size + 14);
    }),
  );
  const grown = (await peakOf(() => stage.resident(), passing)) - before;
  console.log(`8 × 150 MB: RSS grew by ${(grown / 1e6).toFixed(1)} MB from ${(before / 1e6).toFixed(1)} MB`);
  expect(grown).toBeLessThanOrEqual(16e6);
});

for (const [label, bufferSize] of [
  ['256KiB', 256 * 1024],
  ['1MiB', MiB],
] as const) {
  test(`200 receivers that never read, with max_buffer_size ${label}: memory is bounded and no socket is left`, async () => {
    const receivers = 200;
    await using stage = await Stage.start({
      limits: { upstream: { max_buffer_size: label, max_pause: '8s' } },
      ping: { client: 'off' },
    });
    const pairs = await stage.openMany(receivers);
    const before = await stage.resident();
    for (const { client } of pairs) client.pause();
    for (const { upstream } of pairs) flood(upstream, 100_000, false);
    const ended = until(async () => (await stage.sluice.metric('connections_active')) === 0);
    const grown = (await peakOf(() => stage.resident(), ended)) - before;
    const bound = receivers * (2 * bufferSize + 64 * 1024) + 32e6;
    console.log(`200 × ${label}: RSS grew by ${(grown / 1e6).toFixed(1)} MB, bound ${(bound / 1e6).toFixed(1)} MB`);
    expect(grown).toBeLessThanOrEqual(bound);
    const labels = { route: 'stress', closed_by: 'sluice', reason: 'slow_receiver' };
    expect(await stage.sluice.metric('connections_closed_total', labels)).toBe(receivers);
    const slow = stage.sluice.log.filter((line) => line.event === 'end' && line.reason === 'slow_receiver');
    expect(slow.length).toBe(receivers);
    for (const { client, upstream } of pairs) {
      client.socket.destroy();
      upstream.socket.destroy();
    }
    await expect.poll(() => stage.openSockets(), { timeout: 20_000, interval: 500 }).toBe(0);
  });
}
