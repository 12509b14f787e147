/** Receivers that take little or nothing, and how long they may. */
import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../helpers/clock.ts';
import { counts } from '../../helpers/counts.ts';
import { closeFrame, frame } from '../../helpers/frames.ts';
import { openRelay } from '../../helpers/relay.ts';
import { SlowReader, timeOf } from '../../helpers/slow-reader.ts';
import { until } from '../../helpers/until.ts';

// One for all. A reading of the kernel's tables is kept for a while, and has none of the sockets that are younger.
const clock = new ManualClock();
beforeEach(() => clock.advance(3_600_000));

for (const sender of ['client', 'upstream'] as const) {
  test(`ends a connection whose receiver takes nothing for max_pause (${sender} floods)`, async () => {
    const limits = { maxBufferBytes: 64 * 1024, maxPauseMs: 600 };
    await using relay = await openRelay({ clock, client: limits, upstreamLimits: limits });
    const [from, to] = sender === 'client' ? [relay.client, relay.upstream] : [relay.upstream, relay.client];
    to.pause();
    from.flood(frame(Buffer.alloc(60_000), { opcode: 2, mask: sender === 'client' }));
    const { code } = await clock.until(from.closeFrame());
    expect(code).toBe(sender === 'client' ? 1013 : 1001);
    from.socket.destroy();
    const report = await clock.until(relay.ended);
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
  const maxPauseMs = 2000;
  await using relay = await openRelay({ clock, upstreamLimits: { maxBufferBytes: 64 * 1024, maxPauseMs } });
  relay.upstream.flood(frame(Buffer.alloc(30_000), { opcode: 2 }));
  const reader = new SlowReader(relay);
  const pass = timeOf(clock, relay);
  const { inbound } = relay.session.upstream;
  const { writer } = relay.session.client;
  await until(() => inbound.pauses.has('buffer'));
  const drained: number[] = [];
  for (let taken = 0; taken < 8; taken++) {
    await reader.takeSome();
    drained.push(writer.drainedBytes);
    await pass(maxPauseMs / 2);
  }
  // A whole max_pause and more in which its progress showed in the kernel's queue alone.
  expect(drained.some((bytes, i) => i >= 3 && bytes === drained[i - 3])).toBe(true);
  expect(relay.session.client.gone).toBe(false);
  expect(counts(relay.counters.upstream.violations)).toEqual({});
});

test('without max_pause a goodbye to a client that takes nothing has an end', async () => {
  await using relay = await openRelay({ clock, upstreamLimits: { maxBufferBytes: 64 * 1024, maxPauseMs: 0 } });
  relay.client.pause();
  relay.upstream.flood(frame(Buffer.alloc(60_000), { opcode: 2 }));
  await until(() => relay.session.upstream.inbound.pauses.has('buffer'));
  relay.client.send(closeFrame(1000, '', { mask: true }));
  await relay.upstream.closeFrame();
  expect((await clock.until(relay.ended)).reason).toBe('client_closed');
});

test('a download that ends with a close is delivered whole to a slow reader', async () => {
  const closeMs = 500;
  await using relay = await openRelay({ clock, timeouts: { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs } });
  const download = frame(Buffer.alloc(8e6, 9), { opcode: 2 });
  relay.client.pause();
  relay.upstream.send(Buffer.concat([download, closeFrame(1000, 'end of file')]));
  await until(() => relay.session.upstream.inbound.bufferedBytes > 0);
  // Until our close frame has left the buffer, max_pause governs.
  await timeOf(clock, relay)(3 * closeMs);
  relay.client.resume();
  expect((await relay.client.bytes(download.length)).equals(download)).toBe(true);
  expect(await relay.client.closeFrame()).toEqual({ code: 1000, reason: 'end of file' });
});

test('a client that is stopped while output trickles into its kernel is as dead as one to whom nothing is sent', async () => {
  const timeouts = { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs: 300 };
  await using relay = await openRelay({ clock, timeouts, ping: { clientMs: 300, upstreamMs: 0, timeoutMs: 1500 } });
  const pass = timeOf(clock, relay);
  relay.client.pause();
  const heard = relay.upstream.closeFrame();
  const { inbound } = relay.session.upstream;
  const { writer } = relay.session.client;
  const message = frame(Buffer.alloc(1000), { opcode: 2 });
  while (!writer.closed) {
    // Not enough to fill the kernel's buffers within this test, so that nothing waits in Sluice.
    const expected = inbound.wireBytes + message.length;
    relay.upstream.send(message);
    await until(() => inbound.wireBytes === expected);
    await pass(250);
  }
  expect((await heard).code).toBe(1001);
  relay.upstream.socket.destroy();
  expect(await clock.until(relay.ended)).toMatchObject({ reason: 'client_heartbeat', undeliveredBytes: 0 });
  expect(relay.counters.upstream.pauses.buffer).toBe(0);
});

test('a slow reader whom the kernel still serves when timeouts.close is over gets everything, and the close', async () => {
  const closeMs = 1000;
  await using relay = await openRelay({ clock, timeouts: { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs } });
  const reader = new SlowReader(relay);
  const pass = timeOf(clock, relay);
  const download = frame(Buffer.alloc(3_000_000, 9), { opcode: 2 });
  const close = closeFrame(1000, 'end of file');
  relay.upstream.send(Buffer.concat([download, close]));
  // The kernel takes all of it, the close frame included, and cannot deliver the most of it yet.
  await until(() => relay.session.client.writer.closeFlushed);
  const began = clock.now();
  while (reader.owedBytes > 0 && clock.now() - began < 5 * closeMs) {
    await pass(closeMs - 250);
    await reader.takeSome();
  }
  expect(clock.now() - began).toBeGreaterThan(closeMs);
  const all = await reader.takeAll(download.length + close.length);
  expect(all.subarray(0, download.length).equals(download)).toBe(true);
  expect(all.subarray(download.length)).toEqual(close);
});
