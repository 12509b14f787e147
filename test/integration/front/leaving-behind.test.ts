/** A client leaves that has sent more than its request. Its end stands behind what nobody reads yet, and is seen. */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import type { Peer } from '../../helpers/peer.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const request = 'GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n';
/** An empty line before a request brings its connection into the careful lane. */
const lanes = [
  ['fast', ''],
  ['careful', '\r\n'],
] as const;
const ways: readonly [how: string, leave: (client: Peer) => void][] = [
  ['ends its connection', (client) => client.socket.destroy()],
  ['resets it', (client) => client.reset()],
];

test.each(lanes.flatMap(([lane, preface]) => ways.map(([how, leave]) => ({ lane, preface, how, leave }))))(
  '$lane lane: with one more request, while the first has no answer, it $how',
  async ({ preface, leave }) => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using sluice = await startGateway({ routes: [routeTo(upstream)] });
    const client = await rawConnect(sluice.port);
    client.sendText(preface + request + request);
    const server = await upstream.next();
    leave(client);
    await server.gone;
    expect(upstream.accepted).toBe(1);
  },
);

test.each(lanes)('%s lane: with more than is held, within an answer without end', async (_, preface) => {
  await using upstream = await fakeUpstream({ answer: () => null });
  await using sluice = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(sluice.port);
  client.sendText(preface + request.repeat(20_000));
  const server = await upstream.next();
  server.sendText('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
  await client.head();
  client.reset();
  let isOpen = true;
  void server.gone.then(() => {
    isOpen = false;
  });
  while (isOpen) {
    server.sendText('more');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(upstream.accepted).toBe(1);
});
