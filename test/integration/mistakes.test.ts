/** A mistake of Sluice's own in an event of a socket: one connection ends, and nobody else hears of it. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeUpstream, switchingOrOk, type UpstreamPeer } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import type { Peer } from '../helpers/peer.ts';
import { rawClient, rawConnect } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

const makesThem = join(import.meta.dirname, '../helpers/made-mistakes.ts');

async function echoes(client: Peer, server: UpstreamPeer): Promise<void> {
  client.send(clientFrame('still here'));
  expect((await server.frame()).payload.toString()).toBe('still here');
  server.send(frame('and here'));
  expect((await client.frame()).payload.toString()).toBe('and here');
}

test('mistakes end the connections in which they are made, and are told', async () => {
  await using upstream = await fakeUpstream({ answer: switchingOrOk });
  const { serve, port } = await Serve.start(upstream, { env: { NODE_OPTIONS: `--import=${makesThem}` } });
  await using _ = serve;
  const neighbour = await rawClient(port);
  const neighboursServer = await upstream.next();
  const told = async () => (await serve.logged('connection_bug')).err as { message: string };

  const inARead = await rawClient(port);
  (await upstream.next()).send(frame('a mistake in a side'));
  expect(await told()).toMatchObject({ message: 'made on purpose in read' });
  expect((await inARead.closeFrame()).code).toBe(1011);
  inARead.reset();
  await echoes(neighbour, neighboursServer);

  const request = await rawConnect(port);
  request.sendText('GET /mistake HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  expect(await told()).toMatchObject({ message: 'made on purpose in read' });
  expect(await request.ended).toBe('reset');
  await echoes(neighbour, neighboursServer);

  const inATick = await rawClient(port, { path: '/tick' });
  expect(await told()).toMatchObject({ message: 'made on purpose in tick' });
  expect(await inATick.ended).toBe('reset');
  await upstream.next();
  await echoes(neighbour, neighboursServer);

  const atTheEnd = await rawClient(port);
  const leaving = await upstream.next();
  for (let i = 0; i < 3; i++) leaving.send(frame('x'));
  for (let i = 0; i < 3; i++) await atTheEnd.frame();
  leaving.end();
  expect(await told()).toMatchObject({ message: 'made on purpose in onEnd' });
  expect((await atTheEnd.closeFrame()).code).toBe(1011);
  atTheEnd.reset();
  await echoes(neighbour, neighboursServer);

  serve.process.kill('SIGTERM');
  expect((await neighbour.closeFrame()).code).toBe(1012);
  neighbour.end();
  neighboursServer.end();
  expect(await serve.exit).toBe(0);
});
