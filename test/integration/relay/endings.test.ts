import { expect, test } from 'vitest';
import { ManualClock } from '../../helpers/clock.ts';
import { counts } from '../../helpers/counts.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { openRelay, RelayHub } from '../../helpers/relay.ts';
import { type Ends, endsOf, socketsOn } from '../../helpers/sockets.ts';
import { until } from '../../helpers/until.ts';

const quick = { connectMs: 1000, headersMs: 1000, handshakeMs: 1000, closeMs: 400 };

const protectUpstream = { close: 'spread', protect: 'upstream', spreadMs: 0, deadlineMs: 60_000 } as const;

test('a draining session relays what the client still sends, and loses nothing', async () => {
  await using relay = await openRelay();
  relay.upstream.send(Buffer.concat([frame('one'), frame('two'), frame('thr', { fin: false })]));
  await until(() => relay.session.upstream.inbound.wireBytes > 0);
  relay.session.drain('drain');
  // The message under way is completed first.
  relay.upstream.send(frame('ee', { opcode: 0 }));
  for (const text of ['one', 'two', 'thr', 'ee']) expect((await relay.client.frame()).payload.toString()).toBe(text);
  expect(await relay.client.closeFrame()).toEqual({ code: 1012, reason: 'the gateway is shutting down' });
  relay.client.send(clientFrame('still sending'));
  relay.client.send(closeFrame(1012, '', { mask: true }));
  expect((await relay.upstream.frame()).payload.toString()).toBe('still sending');
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  relay.client.end();
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'drain', closedBy: 'sluice', cut: [], undeliveredBytes: 0 });
});

test('a drain delivers every upstream message that was read whole', async () => {
  await using relay = await openRelay();
  const messages = Array.from({ length: 2000 }, (_, i) => frame(`message ${i}`));
  relay.upstream.send(Buffer.concat([...messages, frame('cut', { fin: false })]));
  await until(() => relay.session.upstream.inbound.wireBytes > 0);
  relay.session.drain('drain');
  relay.upstream.send(frame(' off', { opcode: 0 }));
  for (let i = 0; i < 2000; i++) expect((await relay.client.frame()).payload.toString()).toBe(`message ${i}`);
  expect((await relay.client.frame()).payload.toString()).toBe('cut');
  expect((await relay.client.frame()).payload.toString()).toBe(' off');
  expect((await relay.client.closeFrame()).code).toBe(1012);
});

test('a drain that protects the upstream delivers all that it sends until it answers', async () => {
  await using relay = await openRelay({ drain: protectUpstream });
  relay.client.send(Buffer.concat([clientFrame('whole'), clientFrame('ha', { fin: false })]));
  await until(() => relay.session.client.inbound.wireBytes > 0);
  relay.session.drain('drain');
  // The client's message under way is completed; what it sends then finds nobody.
  relay.client.send(Buffer.concat([clientFrame('lf', { opcode: 0 }), clientFrame('too late')]));
  for (const text of ['whole', 'ha', 'lf']) expect((await relay.upstream.frame()).payload.toString()).toBe(text);
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}`);
  relay.upstream.send(Buffer.concat([...lines.map((line) => frame(line)), closeFrame(1001)]));
  for (const line of lines) expect((await relay.client.frame()).payload.toString()).toBe(line);
  expect((await relay.client.closeFrame()).code).toBe(1012);
  relay.client.send(closeFrame(1012, '', { mask: true }));
  relay.client.end();
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'drain', closedBy: 'sluice', cut: [], undeliveredBytes: 0 });
});

test('a drain that protects the upstream waits for a slow client, and does not blame the upstream', async () => {
  const clock = new ManualClock(performance.now());
  await using relay = await openRelay({ clock, drain: protectUpstream, timeouts: quick });
  relay.client.pause();
  const output = frame(Buffer.alloc(12e6, 7), { opcode: 2 });
  relay.upstream.send(output);
  await until(() => relay.session.upstream.inbound.pauses.has('buffer'));
  relay.session.drain('drain');
  relay.upstream.send(closeFrame(1001));
  // Several times close_timeout: the upstream's answer stands behind what Sluice itself does not read.
  clock.advance(1500);
  relay.client.resume();
  expect((await relay.client.bytes(output.length)).equals(output)).toBe(true);
  expect((await relay.client.closeFrame()).code).toBe(1012);
});

test('an operator closes a connection as a drain does, and the client hears who did', async () => {
  await using relay = await openRelay();
  expect(relay.session.outcome).toBeNull();
  relay.upstream.send(frame('whole'));
  relay.upstream.send(frame('begun, ', { fin: false }));
  await until(() => relay.session.upstream.inbound.wireBytes >= 16);
  relay.session.drain('operator');
  expect(relay.session.outcome).toMatchObject({ reason: 'operator', by: 'sluice' });
  relay.upstream.send(frame('ended', { opcode: 0 }));
  expect((await relay.client.frame()).payload.toString()).toBe('whole');
  expect((await relay.client.frame()).payload.toString()).toBe('begun, ');
  expect((await relay.client.frame()).payload.toString()).toBe('ended');
  expect(await relay.client.closeFrame()).toEqual({ code: 1012, reason: 'closed by the operator' });
  relay.client.send(closeFrame(1012, '', { mask: true }));
  relay.client.end();
  expect(await relay.upstream.closeFrame()).toEqual({ code: 1001, reason: 'closed by the operator' });
  relay.upstream.send(closeFrame(1001));
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'operator', closedBy: 'sluice', cut: [], undeliveredBytes: 0 });
});

test('limits hold while a session drains: what is refused is not passed on', async () => {
  await using relay = await openRelay({ client: { maxMessageBytes: 1000 } });
  relay.session.drain('drain');
  expect((await relay.client.closeFrame()).code).toBe(1012);
  // The payload of the refused frame looks like a frame itself.
  const forged = clientFrame('forged');
  relay.client.send(clientFrame(Buffer.concat([forged, Buffer.alloc(1000)]), { opcode: 2 }));
  relay.client.send(closeFrame(1012, '', { mask: true }));
  relay.client.end();
  expect((await relay.upstream.closeFrame()).code).toBe(1009);
  relay.upstream.end();
  expect((await relay.upstream.rest()).length).toBe(0);
  expect((await relay.ended).reason).toBe('drain');
  expect(counts(relay.counters.client.violations)).toEqual({ 'max_message_size|close': 1 });
});

test('a message that is never finished does not hold a drain up for ever', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, timeouts: quick });
  relay.upstream.send(frame('begun', { fin: false }));
  await until(() => relay.session.upstream.inbound.wireBytes > 0);
  relay.session.drain('drain');
  expect((await clock.until(relay.client.closeFrame())).code).toBe(1012);
  expect((await clock.until(relay.upstream.closeFrame())).code).toBe(1001);
  expect((await clock.until(relay.ended)).reason).toBe('drain');
});

test('a peer that breaks the protocol while a drain waits for it ends the connection', async () => {
  await using relay = await openRelay();
  relay.upstream.send(frame('begun', { fin: false }));
  await until(() => relay.session.upstream.inbound.wireBytes > 0);
  relay.session.drain('drain');
  relay.upstream.send(frame('x', { opcode: 0, rsv: 1 }));
  expect((await relay.client.closeFrame()).code).toBe(1014);
  relay.client.send(closeFrame(1014, '', { mask: true }));
  relay.client.end();
  expect((await relay.upstream.closeFrame()).code).toBe(1002);
  relay.upstream.end();
  expect((await relay.ended).reason).toBe('drain');
});

test('a client that ignores 1012 and sends on above its rate is gone all the same', async () => {
  const messageRate = { perSecond: 5, burst: 5, action: 'pause' } as const;
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, client: { messageRate }, timeouts: quick });
  let over = false;
  const chatter = async () => {
    for (; !over; await new Promise(setImmediate)) relay.client.send(clientFrame('still here'));
  };
  const said = chatter();
  relay.session.drain('drain');
  const report = await clock.until(relay.ended);
  over = true;
  await said;
  expect(report.reason).toBe('drain');
});

test('a connection that reaches max_lifetime is drained', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, maxLifetimeMs: 300 });
  clock.advance(299);
  expect(relay.session.outcome).toBeNull();
  clock.advance(251);
  expect((await relay.client.closeFrame()).code).toBe(1012);
  relay.client.send(closeFrame(1012, '', { mask: true }));
  relay.client.end();
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  relay.upstream.end();
  expect((await relay.ended).reason).toBe('max_lifetime');
});

test('no data for idle_timeout ends a connection with 1001; pings are no data', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, idleTimeoutMs: 600 });
  for (let i = 0; i < 3; i++) {
    expect(relay.session.outcome).toBeNull();
    relay.client.send(clientFrame('x', { opcode: 9 }));
    expect((await relay.client.frame()).opcode).toBe(10);
    clock.advance(250);
  }
  expect((await relay.client.closeFrame()).code).toBe(1001);
  relay.client.send(closeFrame(1001, '', { mask: true }));
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
});

test('data keeps a connection with an idle_timeout open', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, idleTimeoutMs: 600 });
  for (let i = 0; i < 10; i++) {
    relay.upstream.send(frame('tick'));
    await relay.client.frame();
    clock.advance(500);
  }
  expect(relay.session.client.state).toBe('open');
});

test('pings the client, and gives a silent one up: it hears why, and is reset when it goes on being silent', async () => {
  const ping = { clientMs: 300, upstreamMs: 0, timeoutMs: 500 };
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, ping, timeouts: quick });
  clock.advance(500);
  expect((await relay.client.frame()).opcode).toBe(9);
  expect((await clock.until(relay.upstream.closeFrame())).code).toBe(1001);
  relay.upstream.send(closeFrame(1001));
  relay.upstream.end();
  expect(await relay.client.closeFrame()).toEqual({ code: 1011, reason: 'the client answered no ping' });
  expect(await clock.until(relay.client.ended)).toBe('reset');
  expect(await relay.ended).toMatchObject({ reason: 'client_heartbeat', cut: ['client'] });
});

test('a client that wakes up after it was given up still gets everything, and why', async () => {
  const ping = { clientMs: 300, upstreamMs: 0, timeoutMs: 500 };
  await using relay = await openRelay({ ping });
  relay.client.pause();
  // More than the client's side takes without reading: the rest is the kernel's.
  const message = frame(Buffer.alloc(1_000_000, 5), { opcode: 2 });
  relay.upstream.send(message);
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  relay.upstream.send(closeFrame(1001));
  relay.upstream.end();
  relay.client.resume();
  expect((await relay.client.frameOf(2)).size).toBe(message.length);
  expect((await relay.client.closeFrame()).code).toBe(1011);
  relay.client.send(closeFrame(1011, '', { mask: true }));
  expect(await relay.client.ended).toBe('fin');
  relay.client.end();
  expect(await relay.ended).toMatchObject({ reason: 'client_heartbeat', cut: [], codes: { receivedFromClient: 1011 } });
});

test('a silent client whose kernel is full is reset at once', async () => {
  const ping = { clientMs: 300, upstreamMs: 0, timeoutMs: 500 };
  await using relay = await openRelay({ ping });
  relay.client.pause();
  // The ping leaves before the kernel is full.
  await until(() => relay.session.client.writer.handedBytes > 0);
  relay.upstream.send(frame(Buffer.alloc(20_000_000), { opcode: 2 }));
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
  relay.upstream.socket.destroy();
  expect((await relay.ended).cut).toEqual(['client']);
  relay.client.resume();
  expect(await relay.client.ended).toBe('reset');
});

test('a client that answers pings stays, and its round trip is measured', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock, ping: { clientMs: 250, upstreamMs: 0, timeoutMs: 400 } });
  for (let i = 0; i < 4; i++) {
    clock.advance(250);
    const ping = await relay.client.frame();
    expect([ping.opcode, ping.masked]).toEqual([9, false]);
    clock.advance(250);
    relay.client.send(clientFrame(ping.payload, { opcode: 10 }));
    await until(() => relay.counters.pingRttSeconds.client.sum > i / 4);
  }
  expect(relay.counters.pingRttSeconds.client.sum).toBe(1);
  expect(relay.session.client.state).toBe('open');
});

test('pings the upstream only where told to, and masks what it sends there', async () => {
  const clock = new ManualClock();
  const ping = { clientMs: 0, upstreamMs: 250, timeoutMs: 500 };
  await using relay = await openRelay({ clock, ping, timeouts: quick });
  clock.advance(250);
  const { opcode, masked } = await relay.upstream.frame();
  expect([opcode, masked]).toEqual([9, true]);
  expect((await clock.until(relay.client.closeFrame())).code).toBe(1011);
  relay.client.end();
  expect(await relay.upstream.closeFrame()).toEqual({ code: 1011, reason: 'the upstream answered no ping' });
  expect((await clock.until(relay.ended)).reason).toBe('upstream_heartbeat');
});

test('a sender that goes on sending after our 1009 sees it, and is read on', async () => {
  await using relay = await openRelay({ client: { maxMessageBytes: 1_000_000 } });
  // Tens of megabytes are under way when the close comes: a reset would drop it.
  const oversize = clientFrame(Buffer.alloc(40e6), { opcode: 2 });
  relay.client.send(oversize);
  expect((await relay.upstream.closeFrame()).code).toBe(1009);
  relay.upstream.send(closeFrame(1009));
  expect((await relay.client.closeFrame()).code).toBe(1009);
  relay.client.send(closeFrame(1009, '', { mask: true }));
  expect(await relay.client.ended).toBe('fin');
});

const silences: Record<string, (peer: { end(): void }) => void> = {
  'never answers our close': () => {},
  'half-closes': (peer) => peer.end(),
};

for (const [what, act] of Object.entries(silences)) {
  test(`a peer that ${what} is gone within close_timeout`, async () => {
    const clock = new ManualClock();
    await using relay = await openRelay({ clock, timeouts: quick });
    act(relay.client);
    relay.upstream.send(closeFrame(1000));
    const report = await clock.until(relay.ended);
    expect(['upstream_closed', 'client_vanished']).toContain(report.reason);
  });
}

test('a frame that nobody completes is cut, and the outcome says so', async () => {
  await using relay = await openRelay({ timeouts: quick });
  relay.client.send(clientFrame('half', { length: 100 }));
  await relay.upstream.bytes(10);
  relay.client.reset();
  expect(await relay.upstream.ended).toBe('fin');
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'client_vanished', cut: ['upstream'] });
});

test('leaves no socket, whatever the order of FIN, RST and close', async () => {
  const acts = ['fin', 'rst', 'close', 'half frame', 'ping'] as const;
  const sides = ['client', 'upstream'] as const;
  const hub = new RelayHub();
  const ends: Ends[] = [];
  const play = async (steps: (readonly [(typeof sides)[number], (typeof acts)[number]])[]) => {
    await using relay = await openRelay({ registry: hub, timeouts: quick });
    ends.push(endsOf(relay.client.socket), endsOf(relay.upstream.socket));
    for (const [side, act] of steps) {
      const peer = relay[side];
      const mask = side === 'client';
      if (act === 'fin') peer.end();
      else if (act === 'rst') peer.reset();
      else if (act === 'close') peer.send(closeFrame(1000, '', { mask }));
      else if (act === 'ping') peer.send(frame('', { opcode: 9, mask }));
      else peer.send(frame('x', { length: 10, mask }));
    }
    // A close frame inside a frame that has begun is payload.
    const isEnded = steps.some(([side, act], i) => {
      if (act === 'close') return i === 0 || steps[0]![1] !== 'half frame' || steps[0]![0] !== side;
      return act === 'fin' || act === 'rst';
    });
    if (!isEnded) relay.client.end();
    expect((await relay.ended).durationMs).toBeGreaterThan(0);
  };
  const plays: Promise<void>[] = [];
  for (const one of sides) {
    for (const two of sides) {
      for (const first of acts) {
        for (const second of acts) plays.push(play([[one, first] as const, [two, second] as const]));
      }
    }
  }
  await Promise.all(plays);
  expect(hub.registry.sessions.size).toBe(0);
  await until(async () => (await socketsOn(ends)) === 0);
});
