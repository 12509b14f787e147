import { expect, test } from 'vitest';
import { counts } from '../../helpers/counts.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
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

for (const sender of ['client', 'upstream'] as const) {
  test(`ends a connection whose receiver takes nothing for max_pause (${sender} floods)`, async () => {
    const limits = { maxBufferBytes: 64 * 1024, maxPauseMs: 600 };
    await using relay = await openRelay({ client: limits, upstreamLimits: limits });
    const [from, to] = sender === 'client' ? [relay.client, relay.upstream] : [relay.upstream, relay.client];
    to.pause();
    from.flood(frame(Buffer.alloc(60_000), { opcode: 2, mask: sender === 'client' }));
    const { code } = await from.closeFrame();
    expect(code).toBe(sender === 'client' ? 1013 : 1001);
    from.socket.destroy();
    const report = await relay.ended;
    expect(report).toMatchObject({ reason: 'slow_receiver', closedBy: 'sluice' });
    expect(report.cut).toContain(sender === 'client' ? 'upstream' : 'client');
    expect(report.violation).toMatchObject({ limit: 'max_pause', sender, configured: 600 });
    expect(report.undeliveredBytes).toBeGreaterThan(0);
    expect(counts(relay.counters[sender].violations)).toEqual({ 'max_pause|close': 1 });
    to.resume();
    expect(await to.ended).toBe('reset');
  });
}

test('a slow reader that makes progress outlives max_pause many times', async () => {
  await using relay = await openRelay({ upstreamLimits: { maxBufferBytes: 64 * 1024, maxPauseMs: 2000 } });
  relay.upstream.flood(frame(Buffer.alloc(30_000), { opcode: 2 }));
  // Reads less than would empty the kernel's buffers, six times per max_pause.
  const { socket } = relay.client;
  socket.removeAllListeners('data');
  socket.pause();
  const started = performance.now();
  while (performance.now() - started < 8000) {
    socket.read(128 * 1024) ?? socket.read();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(relay.session.client.gone).toBe(false);
  expect(counts(relay.counters.upstream.violations)).toEqual({});
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

test('a download that ends with a close is delivered whole to a slow reader', async () => {
  await using relay = await openRelay({ timeouts: { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs: 500 } });
  const download = frame(Buffer.alloc(8e6, 9), { opcode: 2 });
  relay.client.pause();
  relay.upstream.send(Buffer.concat([download, closeFrame(1000, 'end of file')]));
  // Longer than close_timeout: until our close frame has left the buffer, max_pause governs.
  await until(() => relay.session.upstream.inbound.bufferedBytes > 0);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  relay.client.resume();
  expect((await relay.client.bytes(download.length)).equals(download)).toBe(true);
  expect(await relay.client.closeFrame()).toEqual({ code: 1000, reason: 'end of file' });
});

test('a client that is stopped while output trickles into its kernel is as dead as one to whom nothing is sent', async () => {
  const timeouts = { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs: 300 };
  await using relay = await openRelay({ timeouts, ping: { clientMs: 300, upstreamMs: 0, timeoutMs: 1500 } });
  // Not enough to fill the kernel's buffers within this test, so that nothing waits in Sluice.
  const trickle = setInterval(() => relay.upstream.send(frame(Buffer.alloc(10_000), { opcode: 2 })), 20);
  relay.client.pause();
  relay.upstream.socket.on('close', () => clearInterval(trickle));
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  relay.upstream.socket.destroy();
  expect(await relay.ended).toMatchObject({ reason: 'client_heartbeat', undeliveredBytes: 0 });
  expect(relay.counters.upstream.pauses.buffer).toBe(0);
});

test('a slow reader whom the kernel still serves when timeouts.close is over gets everything, and the close', async () => {
  const closeMs = 1000;
  await using relay = await openRelay({ timeouts: { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs } });
  // The kernel takes all of it, the close frame included, and cannot deliver the most of it yet.
  const download = frame(Buffer.alloc(3_000_000, 9), { opcode: 2 });
  const { socket } = relay.client;
  const got: Buffer[] = [];
  socket.removeAllListeners('data');
  socket.pause();
  relay.upstream.send(Buffer.concat([download, closeFrame(1000, 'end of file')]));
  await until(() => relay.session.client.writer.closeFlushed);
  const started = performance.now();
  const expected = download.length + closeFrame(1000, 'end of file').length;
  for (let length = 0; length < expected; length += got.at(-1)!.length) {
    // Longer than timeouts.close in all. What its own kernel has taken, which may be a megabyte, it reads within that.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(socket.destroyed, `cut behind ${length} of ${expected} bytes`).toBe(false);
    got.push(socket.read(Math.min(100_000, expected - length)) ?? socket.read() ?? Buffer.alloc(0));
  }
  expect(performance.now() - started).toBeGreaterThan(closeMs);
  const all = Buffer.concat(got);
  expect(all.subarray(0, download.length).equals(download)).toBe(true);
  expect(all.subarray(download.length)).toEqual(closeFrame(1000, 'end of file'));
});
