import { expect, test } from 'vitest';
import { clientFrame, frame } from '../../helpers/frames.ts';
import { openRelay, RelayHub } from '../../helpers/relay.ts';
import { until } from '../../helpers/until.ts';

test('pauses the sender at max_buffer_size and lets it go on when the receiver has caught up', async () => {
  await using relay = await openRelay({ upstreamLimits: { maxBufferBytes: 100_000 } });
  relay.client.pause();
  const message = frame(Buffer.alloc(50_000, 3), { opcode: 2 });
  let sent = 0;
  while (!relay.session.upstream.inbound.pauses.any) {
    relay.upstream.send(message);
    sent++;
    await new Promise(setImmediate);
  }
  expect(relay.session.upstream.inbound.pauses.has('buffer')).toBe(true);
  // One read may overshoot it.
  expect(relay.session.upstream.inbound.bufferedBytes).toBeLessThanOrEqual(100_000 + 256 * 1024);
  relay.client.resume();
  const expected = Buffer.concat(Array.from({ length: sent }, () => message));
  expect((await relay.client.bytes(expected.length)).equals(expected)).toBe(true);
  expect(relay.session.upstream.inbound.pauses.any).toBe(false);
  expect(relay.session.upstream.inbound.bufferedBytes).toBe(0);
  expect(relay.counters.upstream.pauses.buffer).toBeGreaterThan(0);
});

test('pauses the sender at max_queue', async () => {
  await using relay = await openRelay({ upstreamLimits: { maxQueue: 5, maxBufferBytes: 1e9 } });
  relay.client.pause();
  // More than the kernel takes, so that what follows has to wait.
  const filler = frame(Buffer.alloc(12e6), { opcode: 2 });
  relay.upstream.send(filler);
  await until(() => relay.upstream.socket.writableLength === 0 && relay.session.upstream.inbound.bufferedBytes > 0);
  for (let i = 0; i < 5; i++) relay.upstream.send(frame(`message ${i}`));
  await until(() => relay.session.upstream.inbound.pauses.any);
  expect(relay.session.upstream.inbound.pauses.has('queue')).toBe(true);
  expect(relay.session.upstream.inbound.queuedMessages).toBeGreaterThanOrEqual(5);
  relay.client.resume();
  await relay.client.bytes(filler.length);
  for (let i = 0; i < 5; i++) expect((await relay.client.frame()).payload.toString()).toBe(`message ${i}`);
});

test('a stuck receiver beside busy neighbours: no byte of one arrives in another', async () => {
  const hub = new RelayHub();
  await using stuck = await openRelay({ registry: hub, upstreamLimits: { maxBufferBytes: 1024 * 1024 } });
  stuck.client.pause();
  const stuckFrame = frame(Buffer.alloc(20_000, 0xee), { opcode: 2 });
  const neighbours = await Promise.all(Array.from({ length: 20 }, () => openRelay({ registry: hub })));
  stuck.upstream.flood(stuckFrame);
  let echoes = 0;
  await Promise.all(
    neighbours.map(async (relay, i) => {
      for (let round = 0; round < 60; round++) {
        // Small ones go through the shared buffer, larger ones through leases.
        const size = [40, 900, 3000, 12_000, 70_000][(round + i) % 5];
        const up = clientFrame(Buffer.alloc(size!, i + 1), { opcode: 2 });
        relay.client.send(up);
        expect((await relay.upstream.bytes(up.length)).equals(up)).toBe(true);
        const down = frame(Buffer.alloc(size!, 0x80 + i), { opcode: 2 });
        relay.upstream.send(down);
        expect((await relay.client.bytes(down.length)).equals(down)).toBe(true);
        echoes++;
      }
    }),
  );
  expect(echoes).toBe(1200);
  stuck.upstream.socket.removeAllListeners('drain');
  stuck.client.resume();
  for (let i = 0; i < 50; i++) expect((await stuck.client.bytes(stuckFrame.length)).equals(stuckFrame)).toBe(true);
  for (const relay of neighbours) await relay[Symbol.asyncDispose]();
});
