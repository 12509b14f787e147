/**
 * Sockets whose handles cannot be read are read by their `'data'` events: TLS, and handles that take no buffer of
 * ours.
 */
import type { Socket } from 'node:net';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { expectBothWays } from '../../helpers/both-ways.ts';
import { ManualClock } from '../../helpers/clock.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import {
  openRelay,
  type Relay,
  type RelayOptions,
  type SocketPair,
  socketOf,
  socketPair,
} from '../../helpers/relay.ts';
import { type Ends, endsOf, socketsOn } from '../../helpers/sockets.ts';
import { tlsPair } from '../../helpers/tls-pair.ts';
import { until } from '../../helpers/until.ts';

/** Plain TCP as it looks on a runtime whose handles take no buffer of ours. */
async function bareHandlePair(): Promise<SocketPair> {
  const [end, side] = await socketPair();
  const { _handle: handle } = side as unknown as { _handle: object };
  Object.defineProperty(handle, 'useUserBuffer', { value: undefined });
  return [end, side];
}

// One for all. A reading of the kernel's tables is kept for a while, and has none of the sockets that are younger.
const clock = new ManualClock();
beforeEach(() => clock.advance(3_600_000));

const kinds: [string, () => Promise<SocketPair>][] = [
  ['TLS that Sluice connected', () => tlsPair('connects')],
  ['TLS that Sluice accepted', () => tlsPair('accepts')],
  ['a handle without buffers of ours', bareHandlePair],
];

describe.each(kinds)('%s', (_name, pair) => {
  const all: Ends[] = [];
  // The kernel's tables are long, and read once.
  afterAll(() => until(async () => (await socketsOn(all)) === 0));

  /** A relay over such sockets; when the tests are over none of them may be left. */
  async function open(options: RelayOptions = {}): Promise<Relay> {
    const given: Socket[] = [];
    const relay = await openRelay({
      ...options,
      clock,
      pair,
      prepare: (client, upstream) => {
        given.push(client, upstream);
        all.push(endsOf(client), endsOf(upstream));
      },
    });
    // Otherwise this file would test the other way of reading.
    expect([socketOf(relay.session.client), socketOf(relay.session.upstream)]).toEqual(given);
    onTestFinished(async () => {
      await relay[Symbol.asyncDispose]();
      await until(() => given.every(({ closed }) => closed));
    });
    return relay;
  }

  test('passes frames on byte for byte both ways', async () => {
    const relay = await open();
    const up = clientFrame('hello');
    relay.client.send(up);
    expect(await relay.upstream.bytes(up.length)).toEqual(up);
    const down = frame('hello yourself');
    relay.upstream.send(down);
    expect(await relay.client.bytes(down.length)).toEqual(down);
  });

  test('delivers the bytes that came with the handshakes first', async () => {
    const relay = await open({ clientHead: clientFrame('first'), upstreamHead: frame('greeting') });
    relay.client.send(clientFrame('second'));
    expect((await relay.upstream.frame()).payload.toString()).toBe('first');
    expect((await relay.upstream.frame()).payload.toString()).toBe('second');
    expect((await relay.client.frame()).payload.toString()).toBe('greeting');
  });

  test('passes 20 MB both ways at once', async () => {
    const relay = await open();
    await expectBothWays(relay.client, relay.upstream, 20e6);
  });

  test('answers pings itself', async () => {
    const relay = await open();
    relay.client.send(clientFrame('are you there', { opcode: 9 }));
    expect(await relay.client.frame()).toMatchObject({ opcode: 10, payload: Buffer.from('are you there') });
  });

  test('pauses the sender at max_buffer_size and lets it go on when the receiver has caught up', async () => {
    const relay = await open({ upstreamLimits: { maxBufferBytes: 100_000 } });
    const { inbound } = relay.session.upstream;
    relay.client.pause();
    // More than the kernel's buffers hold.
    const message = frame(Buffer.alloc(50_000, 3), { opcode: 2 });
    const sent = Buffer.concat(Array.from({ length: 500 }, () => message));
    relay.upstream.send(sent);
    await until(() => inbound.pauses.has('buffer'));
    // A read of 'data' brings 64 KiB at most.
    expect(inbound.bufferedBytes).toBeLessThanOrEqual(100_000 + 64 * 1024);
    relay.client.resume();
    expect((await relay.client.bytes(sent.length)).equals(sent)).toBe(true);
    await until(() => inbound.bufferedBytes === 0);
    expect(inbound.pauses.any).toBe(false);
    expect(relay.counters.upstream.pauses.buffer).toBeGreaterThan(0);
  });

  test('reads no more at once than a byte rate lets pass in a second', async () => {
    const byteRate = { perSecond: 20_000, burst: 20_000, action: 'pause' } as const;
    const relay = await open({ client: { byteRate } });
    const { inbound } = relay.session.client;
    const sent = clientFrame(Buffer.alloc(60_000, 5), { opcode: 2 });
    relay.client.send(sent);
    await until(() => inbound.pauses.has('rate'));
    // The burst, and one read beyond it.
    expect(inbound.wireBytes).toBeLessThanOrEqual(40_000);
    expect((await clock.until(relay.upstream.bytes(sent.length))).equals(sent)).toBe(true);
  });

  test.each(['client', 'upstream'] as const)(
    'ends a connection whose receiver takes nothing for max_pause (%s floods)',
    async (sender) => {
      const limits = { maxBufferBytes: 64 * 1024, maxPauseMs: 600 };
      const relay = await open({ client: limits, upstreamLimits: limits });
      const [from, to] = sender === 'client' ? [relay.client, relay.upstream] : [relay.upstream, relay.client];
      to.pause();
      const ends = endsOf(to.socket);
      from.flood(frame(Buffer.alloc(60_000), { opcode: 2, mask: sender === 'client' }));
      expect((await clock.until(from.closeFrame())).code).toBe(sender === 'client' ? 1013 : 1001);
      from.socket.destroy();
      expect(await clock.until(relay.ended)).toMatchObject({
        reason: 'slow_receiver',
        closedBy: 'sluice',
        violation: { limit: 'max_pause', sender, configured: 600 },
      });
      // What the kernel held for the stuck peer is gone with the connection, although the peer reads nothing of it.
      expect(await socketsOn([ends])).toBe(0);
      to.resume();
      expect(await to.ended).toBe('reset');
    },
  );

  test("passes a client's close on with its code and reason, and the answer back", async () => {
    const relay = await open();
    relay.client.send(closeFrame(4404, 'kein Köder', { mask: true }));
    expect(await relay.upstream.closeFrame()).toEqual({ code: 4404, reason: 'kein Köder' });
    relay.upstream.send(closeFrame(4404, 'gehört'));
    expect(await relay.client.closeFrame()).toEqual({ code: 4404, reason: 'gehört' });
    relay.upstream.end();
    relay.client.end();
    expect(await relay.ended).toMatchObject({
      reason: 'client_closed',
      cut: [],
      undeliveredBytes: 0,
      codes: { sentToClient: 4404, receivedFromClient: 4404, sentToUpstream: 4404, receivedFromUpstream: 4404 },
    });
  });

  test('delivers what stands before a close frame, and the close, to a slow reader', async () => {
    const relay = await open();
    const download = frame(Buffer.alloc(12e6, 1), { opcode: 2 });
    relay.client.pause();
    relay.upstream.send(Buffer.concat([download, closeFrame(1000, 'done')]));
    await until(() => relay.session.upstream.inbound.pauses.has('buffer'));
    relay.client.resume();
    expect((await relay.client.bytes(download.length)).equals(download)).toBe(true);
    expect(await relay.client.closeFrame()).toEqual({ code: 1000, reason: 'done' });
  });

  test('tells the other side when a peer left with a FIN', async () => {
    const relay = await open();
    relay.client.send(clientFrame('last words'));
    relay.client.end();
    expect((await relay.upstream.frame()).payload.toString()).toBe('last words');
    expect((await relay.upstream.closeFrame()).code).toBe(1001);
    relay.upstream.end();
    expect(await relay.ended).toMatchObject({ reason: 'client_vanished', closedBy: 'client' });
  });

  test('tells the other side when a peer is gone at once', async () => {
    const relay = await open();
    relay.upstream.socket.destroy();
    expect((await relay.client.closeFrame()).code).toBe(1011);
    relay.client.end();
    expect(await relay.ended).toMatchObject({ reason: 'upstream_vanished', closedBy: 'upstream' });
  });

  test('frees a stuck peer whose socket already sends its last bytes', async () => {
    const relay = await open({ upstreamLimits: { maxBufferBytes: 1e9, maxPauseMs: 600 } });
    const ends = endsOf(relay.client.socket);
    relay.client.pause();
    relay.upstream.send(frame(Buffer.alloc(12e6), { opcode: 2 }));
    await until(() => relay.session.upstream.inbound.bufferedBytes > 0);
    // Ended in the middle of a message: FIN stands behind what the client does not read.
    relay.upstream.send(frame(Buffer.alloc(10), { opcode: 2, length: 1000 }));
    relay.upstream.end();
    expect(await clock.until(relay.ended)).toMatchObject({ reason: 'upstream_vanished', cut: ['client'] });
    expect(await socketsOn([ends])).toBe(0);
  });

  test('a peer that never answers our close is dropped after close_timeout', async () => {
    const relay = await open({ timeouts: { connectMs: 1000, headersMs: 1000, handshakeMs: 1000, closeMs: 300 } });
    relay.upstream.send(closeFrame(1000));
    expect((await relay.client.closeFrame()).code).toBe(1000);
    relay.upstream.end();
    expect(await clock.until(relay.ended)).toMatchObject({ reason: 'upstream_closed', cut: ['client'] });
  });
});
