/** Connections that last are looked after by the kernel: a machine that is gone says nothing. Its tables tell. */
import { test, vi } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { rawClient, rawConnect } from '../../helpers/raw-client.ts';
import { kernelSockets, matcherOf } from '../../helpers/sockets.ts';

const established = '01';
const keepAliveTimer = '02';

/** How many open connections of the gateway, to its clients and to this upstream, have a timer for keeping alive. */
async function looked(gatewayPort: number, upstreamPort: number): Promise<number> {
  const [isClients, isUpstreams] = [matcherOf(gatewayPort), matcherOf(upstreamPort)];
  const sockets = await kernelSockets();
  return sockets.filter(
    (one) => one.state === established && one.timer === keepAliveTimer && (isClients(one) || isUpstreams(one)),
  ).length;
}

test.each([
  ['a WebSocket', null],
  ['a request that is not answered', 'GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n'],
  ['such a request in the careful lane', '\r\nGET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n'],
])('%s', async (_what, request) => {
  await using upstream = await fakeUpstream(request === null ? {} : { answer: () => null });
  await using sluice = await startGateway({ routes: [routeTo(upstream)] });
  const client = request === null ? await rawClient(sluice.port) : await rawConnect(sluice.port);
  if (request !== null) client.sendText(request);
  await upstream.next();
  await vi.waitUntil(async () => (await looked(sluice.port, upstream.port)) === 2, { timeout: 60_000 });
  client.reset();
});
