import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { SessionReport } from '../../../src/observe/report.ts';
import type { Lease } from '../../../src/relay/memory/read-buffers.ts';
import { clientFrame, frame } from '../../helpers/frames.ts';
import { openRelay, type Relay, RelayHub, socketOf } from '../../helpers/relay.ts';
import { isRead } from '../../helpers/sockets.ts';
import { until } from '../../helpers/until.ts';

const MiB = 1024 * 1024;
const quickClose = { connectMs: 1, headersMs: 1, handshakeMs: 1, closeMs: 200 };

/** Fills a connection whose client never reads until its sender is paused. */
async function stuck(hub: RelayHub, maxBufferBytes = MiB): Promise<Relay> {
  const relay = await openRelay({ registry: hub, upstreamLimits: { maxBufferBytes }, timeouts: quickClose });
  relay.client.pause();
  relay.upstream.flood(frame(Buffer.alloc(60_000), { opcode: 2 }));
  return relay;
}

test('all that is held is given back when the connections are gone', async () => {
  const hub = new RelayHub(64 * MiB);
  const { budget } = hub.registry.memory;
  const relays = await Promise.all(Array.from({ length: 4 }, () => stuck(hub)));
  await until(() => relays.every(({ session }) => session.upstream.inbound.pauses.has('buffer')));
  expect(budget.usedBytes).toBeGreaterThanOrEqual(4 * MiB);
  for (const relay of relays) await relay[Symbol.asyncDispose]();
  expect(budget.usedBytes).toBe(0);
});

test('when all is spent the largest connection ends with memory, and those that keep up notice nothing', async () => {
  const hub = new RelayHub(2 * MiB);
  const { budget } = hub.registry.memory;
  await using quick = await openRelay({ registry: hub });
  const relays: Relay[] = [];
  const reports: SessionReport[] = [];
  const someoneWent = () => relays.some(({ session }) => session.outcome !== null);
  for (let i = 0; !someoneWent(); i++) {
    const relay = await stuck(hub);
    relays.push(relay);
    void relay.ended.then((report) => reports.push(report));
    await until(() => relay.session.upstream.inbound.paused || someoneWent());
    // One read may come on top.
    expect(budget.usedBytes).toBeLessThanOrEqual(2 * MiB + 64 * 1024);
    const echo = clientFrame(Buffer.alloc(10_000, i), { opcode: 2 });
    quick.client.send(echo);
    expect((await quick.upstream.bytes(echo.length)).equals(echo)).toBe(true);
  }
  await until(() => reports.length > 0);
  // The first fills its buffer; of those that come when it presses, one read of 32 KiB waits.
  expect(relays.length).toBeGreaterThan(12);
  expect(reports.length).toBe(1);
  expect(quick.session.outcome).toBe(null);
  expect(reports[0]).toMatchObject({
    reason: 'memory',
    closedBy: 'sluice',
    codes: { sentToClient: null, sentToUpstream: 1001 },
    violation: { sender: 'upstream', limit: 'memory.max_buffered', configured: 2 * MiB, action: 'close' },
  });
  expect(reports[0]!.cut).toContain('client');
  expect(relays.filter(({ session }) => session.upstream.inbound.pauses.has('memory')).length).toBeGreaterThan(0);
  for (const relay of relays) await relay[Symbol.asyncDispose]();
});

test('a sender that was paused for memory goes on when its receiver has caught up', async () => {
  const hub = new RelayHub(MiB);
  const { budget } = hub.registry.memory;
  await using relay = await openRelay({ registry: hub });
  relay.client.pause();
  const output = frame(Buffer.alloc(12e6, 7), { opcode: 2 });
  relay.upstream.send(output);
  await until(() => relay.session.upstream.inbound.pauses.has('buffer'));
  budget.limitBytes = budget.usedBytes;
  relay.session.yieldMemory(performance.now());
  expect(relay.session.upstream.inbound.pauses.has('memory')).toBe(true);
  // From here on there is enough for everybody.
  budget.limitBytes = 64 * MiB;
  relay.client.resume();
  expect((await relay.client.bytes(output.length)).equals(output)).toBe(true);
  expect(relay.session.upstream.inbound.paused).toBe(false);
  expect(relay.counters.upstream.pauses.memory).toBe(1);
});

test('a client whose upstream takes nothing hears 1013 when its buffer is the largest', async () => {
  const hub = new RelayHub(64 * MiB);
  await using relay = await openRelay({ registry: hub, client: { maxBufferBytes: 2 * MiB }, timeouts: quickClose });
  relay.upstream.pause();
  const message = clientFrame(Buffer.alloc(12e6), { opcode: 2 });
  relay.client.send(message);
  await until(() => relay.session.client.inbound.pauses.has('buffer'));
  hub.registry.memory.budget.limitBytes = MiB;
  const close = await relay.client.closeFrame();
  expect(close.code).toBe(1013);
  expect(close.reason).toMatch(/^all buffers together exceed 1 MiB/);
  expect(await relay.ended).toMatchObject({ reason: 'memory', undeliveredBytes: expect.any(Number) });
});

test('what a rate has held up is counted, and given back when its connection breaks', async () => {
  const hub = new RelayHub(64 * MiB);
  const { budget } = hub.registry.memory;
  await using relay = await openRelay({
    registry: hub,
    client: { messageRate: { perSecond: 1, burst: 1, action: 'pause' } },
    timeouts: quickClose,
  });
  relay.client.send(Buffer.concat(Array.from({ length: 3000 }, () => clientFrame('x'))));
  await until(() => relay.session.client.inbound.pauses.has('rate'));
  const held = relay.session.client.inbound.bufferedBytes;
  expect(held).toBeGreaterThan(10_000);
  expect(budget.usedBytes).toBeGreaterThanOrEqual(held);
  relay.client.reset();
  relay.upstream.reset();
  await relay.ended;
  expect(budget.usedBytes).toBe(0);
});

/** A connection whose client has sent more messages than its rate lets pass, so that a tail waits. */
async function waitingForRate(hub: RelayHub, perSecond: number): Promise<{ relay: Relay; sent: Buffer }> {
  const messageRate = { perSecond, burst: 1, action: 'pause' } as const;
  const relay = await openRelay({ registry: hub, client: { messageRate } });
  const sent = Buffer.concat(Array.from({ length: 10 }, () => clientFrame(Buffer.alloc(300), { opcode: 2 })));
  relay.client.send(sent);
  await until(() => relay.session.client.inbound.pauses.has('rate'));
  return { relay, sent };
}

test('a sender that waits for its rate, and whose receiver keeps up, is not paused for memory', async () => {
  const hub = new RelayHub(MiB);
  const { relay, sent } = await waitingForRate(hub, 100);
  hub.registry.memory.budget.limitBytes = 1;
  relay.session.yieldMemory(performance.now());
  expect([...relay.session.client.inbound.pauses.causes.keys()]).toEqual(['rate']);
  hub.registry.memory.budget.limitBytes = MiB;
  expect((await relay.upstream.bytes(sent.length)).equals(sent)).toBe(true);
  await relay[Symbol.asyncDispose]();
});

test('a tail that waits for its rate is free at once when its connection ends for memory', async () => {
  const hub = new RelayHub(MiB);
  const { budget } = hub.registry.memory;
  const waiting: Awaited<ReturnType<typeof waitingForRate>>[] = [];
  for (let i = 0; i < 5; i++) waiting.push(await waitingForRate(hub, 1));
  budget.limitBytes = budget.usedBytes - 1;
  await until(() => waiting.some(({ relay }) => relay.session.outcome !== null));
  expect(budget.excessBytes).toBe(0);
  expect(waiting.filter(({ relay }) => relay.session.outcome !== null)).toHaveLength(1);
  for (const { relay } of waiting) await relay[Symbol.asyncDispose]();
  expect(budget.usedBytes).toBe(0);
});

test('a little more goes than must, so that the next reads do not end one more each', async () => {
  const hub = new RelayHub(64 * MiB);
  const { budget } = hub.registry.memory;
  // So many that a 64th of all is more than one of them holds.
  const waiting = await Promise.all(Array.from({ length: 140 }, () => waitingForRate(hub, 1)));
  const sizes = waiting.map(({ relay }) => relay.session.capacity).sort((a, b) => b - a);
  budget.limitBytes = budget.usedBytes - 1;
  const mustGo = 1 + budget.limitBytes / 64;
  let goes = 0;
  for (let freed = 0; freed < mustGo; freed += sizes[goes++]!);
  expect(goes).toBeGreaterThan(1);
  await until(() => waiting.some(({ relay }) => relay.session.outcome !== null));
  expect(waiting.filter(({ relay }) => relay.session.outcome !== null)).toHaveLength(goes);
  for (const { relay } of waiting) await relay[Symbol.asyncDispose]();
});

test('a smaller bound takes leases back from those that are busy, and ends nobody who keeps up', async () => {
  const hub = new RelayHub(64 * MiB);
  const { budget, buffers } = hub.registry.memory;
  const relays = await Promise.all(Array.from({ length: 12 }, () => openRelay({ registry: hub })));
  const echo = clientFrame(Buffer.alloc(8000), { opcode: 2 });
  const exchange = () =>
    Promise.all(
      relays.map(async ({ client, upstream }) => {
        client.send(echo);
        await upstream.bytes(echo.length);
      }),
    );
  while (buffers.lentBytes < 12 * 256 * 1024) await exchange();
  budget.limitBytes = MiB;
  while (buffers.overlentBytes > 0) await exchange();
  expect(buffers.lentBytes).toBeLessThanOrEqual(MiB / 4);
  expect(relays.filter(({ session }) => session.outcome !== null)).toEqual([]);
  for (const relay of relays) await relay[Symbol.asyncDispose]();
  expect(budget.usedBytes).toBe(0);
});

test('what is left of a connection that has ended for its memory goes before another ends', async () => {
  const hub = new RelayHub(64 * MiB);
  const { budget } = hub.registry.memory;
  // Neither side reads: one buffer goes, and the goodbye to the other peer waits behind the other one.
  const both = await openRelay({
    registry: hub,
    client: { maxBufferBytes: 2 * MiB },
    upstreamLimits: { maxBufferBytes: 8 * MiB },
    timeouts: quickClose,
  });
  both.client.pause();
  both.upstream.pause();
  both.client.send(clientFrame(Buffer.alloc(60e6), { opcode: 2 }));
  both.upstream.send(frame(Buffer.alloc(60e6), { opcode: 2 }));
  const larger = await stuck(hub, 4 * MiB);
  const { client, upstream } = both.session;
  await until(() => [client, upstream].every(({ inbound }) => inbound.pauses.has('buffer')));
  await until(() => larger.session.upstream.inbound.paused);
  budget.limitBytes = budget.usedBytes - 1;
  await until(() => both.session.outcome !== null);
  expect([both.session.outcome?.reason, upstream.inbound.capacity]).toEqual(['memory', 0]);
  await until(() => client.gone);
  expect(client.inbound.capacity).toBeGreaterThan(0);
  budget.limitBytes = budget.usedBytes - 1;
  await until(() => both.session.capacity === 0);
  expect(larger.session.outcome).toBe(null);
  for (const relay of [both, larger]) await relay[Symbol.asyncDispose]();
  expect(budget.usedBytes).toBe(0);
});

/** Takes every lease, so that all who read share one buffer, and what their writes wait with is a copy. */
function takeLeases({ registry }: RelayHub): Lease[] {
  const { buffers } = registry.memory;
  const taken: Lease[] = [];
  for (let lease = buffers.lease(); lease !== null; lease = buffers.lease()) taken.push(lease);
  return taken;
}

test('nobody is read while much of what was let go is not free, and then everybody is', async () => {
  const hub = new RelayHub(MiB);
  const { budget } = hub.registry.memory;
  const leases = takeLeases(hub);
  await using quick = await openRelay({ registry: hub });
  const victim = await stuck(hub, 256 * 1024);
  await until(() => victim.session.upstream.inbound.paused);
  const closed = once(socketOf(victim.session.client), 'close');
  const echo = clientFrame(Buffer.alloc(10_000, 5), { opcode: 2 });
  quick.client.send(echo);
  const socket = socketOf(quick.session.client);
  expect(isRead(socket)).toBe(true);
  budget.limitBytes = MiB / 4;
  await null;
  expect(quick.session.client.inbound.paused).toBe(false);
  expect(budget.lingeringBytes).toBeGreaterThan(0);
  await closed;
  expect([isRead(socket), budget.lingeringBytes]).toEqual([false, 0]);
  expect((await quick.upstream.bytes(echo.length)).equals(echo)).toBe(true);
  expect(isRead(socket)).toBe(true);
  await victim[Symbol.asyncDispose]();
  for (const lease of leases) lease.giveBack();
});

test('nobody ends where leases that come back are enough, however little is left then', async () => {
  const hub = new RelayHub(8 * MiB);
  const { budget, buffers } = hub.registry.memory;
  const relay = await stuck(hub);
  await until(() => relay.session.upstream.inbound.paused);
  const leases = takeLeases(hub);
  // What is held beyond the new bound is 5 KB less than what is lent beyond its quarter.
  const limit = Math.ceil(((budget.usedBytes - buffers.lentBytes + 5000) * 4) / 3);
  budget.limitBytes = limit;
  expect(buffers.overlentBytes - budget.excessBytes).toBeGreaterThan(0);
  expect(buffers.overlentBytes - budget.excessBytes).toBeLessThan(limit / 64);
  await new Promise(setImmediate);
  expect(relay.session.outcome).toBe(null);
  await relay[Symbol.asyncDispose]();
  for (const lease of leases) lease.giveBack();
  expect(budget.usedBytes).toBe(0);
});
