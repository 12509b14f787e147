/** New limits for a connection that lives. */
import { expect, test } from 'vitest';
import { Opcode } from '../../../src/websocket/opcodes.ts';
import { ManualClock } from '../../helpers/clock.ts';
import { clientFrame, frame } from '../../helpers/frames.ts';
import { openRelay, type RouteOverrides, testRoute } from '../../helpers/relay.ts';
import { until } from '../../helpers/until.ts';

const limitedTo = (maxMessageBytes: number): RouteOverrides => ({
  client: { maxMessageBytes },
  upstreamLimits: { maxMessageBytes },
});

const soon = { ...testRoute().timeouts, closeMs: 1 };

test('a higher limit holds from the next message', async () => {
  await using relay = await openRelay(limitedTo(10));
  const sent = clientFrame(Buffer.alloc(1000));
  relay.session.reconfigure(testRoute(limitedTo(1000)));
  relay.client.send(sent);
  expect((await relay.upstream.bytes(sent.length)).equals(sent)).toBe(true);
});

test('a lower limit lets the message under way end, and refuses the next', async () => {
  await using relay = await openRelay(limitedTo(1000));
  const [first, last] = [frame(Buffer.alloc(600), { fin: false }), frame(Buffer.alloc(400), { opcode: 0 })];
  relay.upstream.send(first);
  await relay.client.bytes(first.length);
  relay.session.reconfigure(testRoute(limitedTo(10)));
  relay.upstream.send(last);
  await relay.client.bytes(last.length);
  relay.upstream.send(frame(Buffer.alloc(11)));
  expect((await relay.upstream.closeFrame()).code).toBe(1009);
  expect(await relay.violated).toMatchObject({ sender: 'upstream', configured: 10, observed: 11 });
});

test('pings begin, with a time to be answered in', async () => {
  await using relay = await openRelay();
  relay.session.reconfigure(testRoute({ ping: { clientMs: 1, upstreamMs: 0, timeoutMs: 1 }, timeouts: soon }));
  expect((await relay.client.frame()).opcode).toBe(Opcode.ping);
  expect((await relay.ended).reason).toBe('client_heartbeat');
});

test('a goodbye has the new time', async () => {
  const clock = new ManualClock();
  await using relay = await openRelay({ clock });
  relay.session.reconfigure(testRoute({ timeouts: soon }));
  const toldAt = clock.now();
  relay.session.drain('drain');
  // Neither peer answers; the old time is 10 s.
  expect((await clock.until(relay.ended)).reason).toBe('drain');
  expect(clock.now() - toldAt).toBeLessThan(5000);
});

test('a shorter lifetime ends it', async () => {
  await using relay = await openRelay();
  relay.session.reconfigure(testRoute({ maxLifetimeMs: 1 }));
  expect((await relay.client.closeFrame()).code).toBe(1012);
});

const closing = { perSecond: 5, burst: 5, action: 'close' } as const;

test('a message rate binds a connection that had none', async () => {
  await using relay = await openRelay();
  const messages = Buffer.concat(Array.from({ length: 5 }, () => clientFrame('x')));
  relay.client.send(Buffer.concat([messages, messages]));
  await relay.upstream.bytes(messages.length * 2);
  relay.session.reconfigure(testRoute({ client: { messageRate: closing } }));
  relay.client.send(Buffer.concat([messages, clientFrame('too many')]));
  await relay.upstream.bytes(messages.length);
  expect((await relay.upstream.closeFrame()).code).toBe(1008);
  expect(await relay.violated).toMatchObject({ limit: 'max_message_rate', configured: 5 });
});

test('a byte rate does too, and bounds what is read at once', async () => {
  await using relay = await openRelay({ clock: new ManualClock() });
  // Large reads, so that the socket has a large buffer of its own.
  const large = clientFrame(Buffer.alloc(300_000), { opcode: 2 });
  relay.client.send(large);
  await relay.upstream.bytes(large.length);
  const byteRate = { perSecond: 20_000, burst: 20_000, action: 'pause' } as const;
  relay.session.reconfigure(testRoute({ client: { byteRate } }));
  const { inbound } = relay.session.client;
  const before = inbound.wireBytes;
  relay.client.send(large);
  await until(() => inbound.pauses.has('rate'));
  // The burst, one read beyond it, and one that was armed before.
  expect(inbound.wireBytes - before).toBeLessThanOrEqual(40_000);
});

test('a rate that is lifted holds nobody up', async () => {
  await using relay = await openRelay({ client: { messageRate: { perSecond: 1, burst: 1, action: 'pause' } } });
  const sent = Buffer.concat(Array.from({ length: 200 }, (_, i) => clientFrame(`message ${i}`)));
  relay.client.send(sent);
  await until(() => relay.session.client.inbound.pauses.has('rate'));
  relay.session.reconfigure(testRoute());
  // One per second would take more than three minutes.
  expect((await relay.upstream.bytes(sent.length)).equals(sent)).toBe(true);
});
