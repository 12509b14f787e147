/** New limits for a connection that lives. */
import { expect, test } from 'vitest';
import { Opcode } from '../../../src/protocol/opcodes.ts';
import { clientFrame, frame } from '../../helpers/frames.ts';
import { openRelay, type RouteOverrides, testRoute } from '../../helpers/relay.ts';

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
  await using relay = await openRelay();
  relay.session.reconfigure(testRoute({ timeouts: soon }));
  relay.session.drain('drain');
  // Neither peer answers; with the old 10 s this test would not end in time.
  expect((await relay.ended).reason).toBe('drain');
}, 8000);

test('a shorter lifetime ends it', async () => {
  await using relay = await openRelay();
  relay.session.reconfigure(testRoute({ maxLifetimeMs: 1 }));
  expect((await relay.client.closeFrame()).code).toBe(1012);
});
