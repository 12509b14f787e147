import { expect, test } from 'vitest';
import { flood, Stage } from './load.ts';

/** As slow to its clock as one of 20 KB/s is to `max_pause: 30s`, for as many of them. */
const bytesPerSecond = 60_000;
const forMs = 40_000;

test('a slow reader under a flooding sender outlives max_pause four times', async () => {
  await using stage = await Stage.start({ limits: { upstream: { max_pause: '10s' } } });
  const { client, upstream } = await stage.open();
  const { socket } = client;
  socket.removeAllListeners('data');
  socket.pause();
  flood(upstream, 100_000, false);
  let read = 0;
  const started = performance.now();
  while (performance.now() - started < forMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    // So much on average, in small sips; what Node has read ahead counts when it is taken.
    const due = ((performance.now() - started) / 1000) * bytesPerSecond;
    while (read < due) {
      const chunk: Buffer | null = socket.read(2000);
      if (chunk === null) break;
      read += chunk.length;
    }
    expect(socket.destroyed).toBe(false);
  }
  expect(read).toBeGreaterThan(2_000_000);
  expect(await stage.sluice.metric('connections_active')).toBe(1);
  expect(await stage.sluice.metric('limit_violations_total')).toBe(0);
});
