/** A refused handshake whose answer is too much for its client. */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { testRoute } from '../../helpers/relay.ts';

const announced = 32 * 1024 * 1024;

async function refused(handshakeMs: number) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await fakeUpstream({ answer: () => null }));
  const { timeouts } = testRoute();
  const route = routeTo(upstream, { timeouts: { ...timeouts, handshakeMs } });
  const sluice = stack.use(await startGateway({ routes: [route] }));
  const client = await rawConnect(sluice.port);
  client.pause();
  client.sendText(handshakeRequest());
  const server = await upstream.next();
  return { client, server, sluice, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('a client that takes nothing of it is reset when its time is over', async () => {
  await using all = await refused(300);
  all.server.sendText(`HTTP/1.1 403 No\r\nContent-Length: ${announced}\r\n\r\n`);
  all.server.flood(Buffer.alloc(64 * 1024));
  expect(await all.sluice.logged('refused')).toMatchObject({ detail: 'the upstream answered 403, not to its end' });
  all.client.resume();
  expect(await all.client.ended).toBe('reset');
});
