import { expect, test } from 'vitest';
import { expectBothWays } from '../../helpers/both-ways.ts';
import { counts } from '../../helpers/counts.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { openRelay } from '../../helpers/relay.ts';

test('passes a client frame on byte for byte, masked as it came', async () => {
  await using relay = await openRelay();
  const sent = clientFrame('hello');
  relay.client.send(sent);
  expect(await relay.upstream.bytes(sent.length)).toEqual(sent);
});

test('passes an upstream frame on byte for byte', async () => {
  await using relay = await openRelay();
  const sent = frame('hello');
  relay.upstream.send(sent);
  expect(await relay.client.bytes(sent.length)).toEqual(sent);
});

test('passes frames whose header arrives one byte at a time', async () => {
  await using relay = await openRelay();
  const sent = clientFrame(Buffer.alloc(70_000, 7), { opcode: 2 });
  relay.client.socket.setNoDelay(true);
  for (const byte of sent.subarray(0, 20)) {
    relay.client.send(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  relay.client.send(sent.subarray(20));
  expect((await relay.upstream.bytes(sent.length)).equals(sent)).toBe(true);
});

test('delivers the bytes that came with the handshakes first', async () => {
  const first = clientFrame('first');
  await using relay = await openRelay({ clientHead: first, upstreamHead: frame('greeting') });
  relay.client.send(clientFrame('second'));
  expect((await relay.upstream.frame()).payload.toString()).toBe('first');
  expect((await relay.upstream.frame()).payload.toString()).toBe('second');
  expect((await relay.client.frame()).payload.toString()).toBe('greeting');
});

test('passes 20 MB both ways at once', async () => {
  await using relay = await openRelay();
  await expectBothWays(relay.client, relay.upstream, 20e6);
});

test('answers pings itself and never forwards them', async () => {
  await using relay = await openRelay();
  relay.client.send(clientFrame('are you there', { opcode: 9 }));
  const pong = await relay.client.frame();
  expect([pong.opcode, pong.payload.toString(), pong.masked]).toEqual([10, 'are you there', false]);
  relay.upstream.send(frame('and you', { opcode: 9 }));
  const masked = await relay.upstream.frame();
  expect([masked.opcode, masked.payload.toString(), masked.masked]).toEqual([10, 'and you', true]);
});

test('answers a ping between the fragments of a message', async () => {
  await using relay = await openRelay();
  relay.client.send(clientFrame('one', { fin: false }));
  relay.client.send(clientFrame('?', { opcode: 9 }));
  relay.client.send(clientFrame('two', { opcode: 0 }));
  expect((await relay.client.frame()).opcode).toBe(10);
  expect((await relay.upstream.frame()).payload.toString()).toBe('one');
  expect((await relay.upstream.frame()).payload.toString()).toBe('two');
});

test("passes a client's close on with its code and byte-exact reason, and the answer back", async () => {
  await using relay = await openRelay();
  relay.client.send(closeFrame(4404, 'kein Köder', { mask: true }));
  expect(await relay.upstream.closeFrame()).toEqual({ code: 4404, reason: 'kein Köder' });
  relay.upstream.send(closeFrame(4404, 'gehört'));
  expect(await relay.client.closeFrame()).toEqual({ code: 4404, reason: 'gehört' });
  relay.upstream.end();
  relay.client.end();
  const report = await relay.ended;
  expect(report).toMatchObject({ reason: 'client_closed', closedBy: 'client', cut: [], undeliveredBytes: 0 });
  expect(report.codes).toEqual({
    sentToClient: 4404,
    receivedFromClient: 4404,
    sentToUpstream: 4404,
    receivedFromUpstream: 4404,
  });
});

test('a close without a status stays one', async () => {
  await using relay = await openRelay();
  relay.upstream.send(closeFrame(null));
  expect(await relay.client.closeFrame()).toEqual({ code: null, reason: '' });
});

test('delivers the messages that stand before a close frame first', async () => {
  await using relay = await openRelay();
  const big = frame(Buffer.alloc(5e6, 1), { opcode: 2 });
  relay.client.pause();
  relay.upstream.send(Buffer.concat([big, closeFrame(1000, 'done')]));
  relay.client.resume();
  expect((await relay.client.bytes(big.length)).equals(big)).toBe(true);
  expect(await relay.client.closeFrame()).toEqual({ code: 1000, reason: 'done' });
});

test('maps a close code that no endpoint may send to 1011', async () => {
  await using relay = await openRelay();
  relay.upstream.send(closeFrame(10000, 'Expired'));
  expect((await relay.client.closeFrame()).code).toBe(1011);
  relay.client.send(closeFrame(1011, '', { mask: true }));
  expect((await relay.upstream.closeFrame()).code).toBe(1002);
  expect(counts(relay.counters.upstream.closeCodes)).toEqual({ illegal: 1 });
});

test('tells each side when the other left without a close frame', async () => {
  await using gone = await openRelay();
  gone.client.send(clientFrame('last words'));
  gone.client.end();
  expect((await gone.upstream.frame()).payload.toString()).toBe('last words');
  expect((await gone.upstream.closeFrame()).code).toBe(1001);
  gone.upstream.end();
  expect(await gone.ended).toMatchObject({ reason: 'client_vanished', closedBy: 'client' });

  await using reset = await openRelay();
  reset.upstream.reset();
  expect((await reset.client.closeFrame()).code).toBe(1011);
  reset.client.end();
  expect(await reset.ended).toMatchObject({ reason: 'upstream_vanished', closedBy: 'upstream' });
});
