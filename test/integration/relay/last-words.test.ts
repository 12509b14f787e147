/** What a peer has said before it reset its connection is read, also where something was written to it since. */
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { openRelay, type SocketPair, socketPair } from '../../helpers/relay.ts';
import { tlsPair } from '../../helpers/tls-pair.ts';
import { until } from '../../helpers/until.ts';

/** Resets the TCP connection below. */
function reset(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: { _parent?: { reset(done: () => void): number } } };
  if (handle._parent === undefined) socket.resetAndDestroy();
  else handle._parent.reset(() => socket.destroy());
}

const kinds: readonly [string, () => Promise<SocketPair>][] = [
  ['TCP', socketPair],
  ['TLS that Sluice connected', () => tlsPair('connects')],
  ['TLS that Sluice accepted', () => tlsPair('accepts')],
];

test.each(kinds)('a backend that closes with 1009 and resets in a flood is heard (%s)', async (_kind, pair) => {
  const ends: Socket[] = [];
  const keep = async () => {
    const made = await pair();
    ends.push(made[0]);
    return made;
  };
  await using relay = await openRelay({ pair: keep });
  const { session, client, upstream } = relay;
  client.send(clientFrame('first'));
  expect((await upstream.frame()).payload.toString()).toBe('first');
  // Nothing of it is read until something was written behind its reset.
  expect(session.upstream.source.halt()).toBe(true);
  upstream.send(Buffer.concat([frame('an answer'), closeFrame(1009, 'message too big')]));
  await new Promise<void>((resolve) => ends[1]!.write('', () => resolve()));
  reset(ends[1]!);
  const large = clientFrame(Buffer.alloc(100_000), { opcode: 2 });
  for (let i = 1; i <= 4; i++) {
    client.send(large);
    await until(() => session.client.inbound.wireBytes >= i * large.length);
    await new Promise(setImmediate);
  }
  session.upstream.source.carryOn();
  expect((await client.frame()).payload.toString()).toBe('an answer');
  expect(await client.closeFrame()).toEqual({ code: 1009, reason: 'message too big' });
  client.send(closeFrame(1009, '', { mask: true }));
  client.end();
  expect(await relay.ended).toMatchObject({ reason: 'upstream_closed', codes: { receivedFromUpstream: 1009 } });
});
