/** A mistake of Sluice's own: one connection ends, and nobody else hears of it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeUpstream, switchingOrOk, type UpstreamPeer } from '../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../helpers/frames.ts';
import type { Peer } from '../helpers/peer.ts';
import { source } from '../helpers/program.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';
import { until } from '../helpers/until.ts';

const makesThem = join(import.meta.dirname, '../helpers/made-mistakes.ts');
/** They are made in the modules of the source. */
const withThem = { program: source, env: { NODE_OPTIONS: `--import=${makesThem}` } };

async function echoes(client: Peer, server: UpstreamPeer): Promise<void> {
  client.send(clientFrame('still here'));
  expect((await server.frame()).payload.toString()).toBe('still here');
  server.send(frame('and here'));
  expect((await client.frame()).payload.toString()).toBe('and here');
}

test('mistakes end the connections in which they are made, and are told', async () => {
  await using upstream = await fakeUpstream({ answer: switchingOrOk });
  const { serve, port } = await Serve.start(upstream, withThem);
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

test('wherever they are made, nothing of their connections stays behind', async () => {
  await using upstream = await fakeUpstream({ answer: switchingOrOk });
  const { serve, port, adminPort } = await Serve.start(upstream, {
    ...withThem,
    // Without its place back the next but one could not come.
    route: 'limits: {connections: {max: 2}, upstream: {max_message_rate: 100/s}}',
  });
  await using _ = serve;
  const descriptors = async () => (await readdir(`/proc/${serve.process.pid}/fd`)).length;
  const neighbour = await rawClient(port);
  const neighboursServer = await upstream.next();
  await echoes(neighbour, neighboursServer);
  const before = await descriptors();
  const survives = async (place: string, peer: Peer, event = 'connection_bug') => {
    expect((await serve.logged(event)).err, place).toMatchObject({ message: `made on purpose in ${place}` });
    await peer.gone;
    await until(async () => upstream.open === 1 && (await descriptors()) === before);
    await echoes(neighbour, neighboursServer);
  };
  /** A connection whose server has sent so many messages. */
  const opened = async (messages: number): Promise<[Peer, UpstreamPeer]> => {
    const client = await rawClient(port);
    const server = await upstream.next();
    for (let i = 0; i < messages; i++) server.send(frame('x'));
    for (let i = 0; i < messages; i++) await client.frame();
    return [client, server];
  };
  const sent = async (text: string, to = port) => {
    const client = await rawConnect(to);
    client.sendText(text);
    return client;
  };

  const [atItsEnd, left] = await opened(41);
  atItsEnd.reset();
  left.reset();
  await survives('finish', atItsEnd);

  const [lost] = await opened(42);
  lost.reset();
  await survives('discard', lost);

  const [slowed, fast] = await opened(0);
  for (let i = 0; i < 150; i++) fast.send(frame('x'));
  await survives('rateOver', slowed);

  const [flooding, flooded] = await opened(0);
  void flooding.gone.then(() => flooded.reset());
  flooding.flood(Buffer.concat(Array.from({ length: 40_000 }, () => clientFrame(''))));
  await survives('onRound', flooding);

  await survives('opened', await sent(handshakeRequest({ path: '/in-opened' })));
  await upstream.next();
  // What is not of the strict form is served by Node's HTTP.
  await survives('request', await sent('GET /in-request HTTP/1.0\r\nHost: gateway.test\r\n\r\n'));
  await survives('dialled', await sent('GET /in-dialled HTTP/1.0\r\nHost: gateway.test\r\n\r\n'));
  await survives('answered', await sent('GET /in-answered HTTP/1.0\r\nHost: gateway.test\r\n\r\n'));
  await upstream.next();
  await survives('switched', await sent(handshakeRequest({ path: 'http://gateway.test/in-switched' })));
  await survives('pause', await sent(handshakeRequest({ path: 'http://gateway.test/' })), 'handshake_bug');
  await upstream.next();
  await survives('push', await sent('GET /mistake HTTP/1.1\r\nHost: gateway.test\r\n\r\n', adminPort));

  const [drained] = await opened(43);
  serve.process.kill('SIGTERM');
  expect((await serve.logged('connection_bug')).err).toMatchObject({ message: 'made on purpose in stopAfterMessage' });
  expect(await drained.ended).toBe('reset');
  expect((await neighbour.closeFrame()).code).toBe(1012);
  neighbour.end();
  neighboursServer.end();
  expect(await serve.exit).toBe(0);
});

test('one that nobody catches ends the process, and everybody hears that before', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port } = await Serve.start(upstream, withThem);
  await using _ = serve;
  const client = await rawClient(port);
  serve.process.kill('SIGUSR2');
  expect((await serve.logged('crashed')).err).toMatchObject({ message: 'made on purpose in a signal' });
  expect((await client.closeFrame()).code).toBe(1012);
  expect(await serve.exit).toBe(1);
});
