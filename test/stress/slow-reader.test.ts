import { expect, test } from 'vitest';
import { flood, Stage } from './load.ts';

test('a reader of 20 KB/s under a flooding sender lives for two minutes', async () => {
  await using stage = await Stage.start({ limits: { upstream: { max_pause: '30s' } } });
  const { client, upstream } = await stage.open();
  const { socket } = client;
  socket.removeAllListeners('data');
  socket.pause();
  flood(upstream, 100_000, false);
  let read = 0;
  const started = performance.now();
  while (performance.now() - started < 120_000) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    // 20 KB/s on average, in small sips; what Node has read ahead counts when it is taken.
    const due = ((performance.now() - started) / 1000) * 20_000;
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
