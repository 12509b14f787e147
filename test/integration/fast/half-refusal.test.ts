/** A refused handshake whose answer breaks off, or is too much for its client. */
import { setTimeout } from 'node:timers/promises';
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

/** Waits until a number has not changed for a while. */
async function stands(read: () => number): Promise<void> {
  for (let [same, before] = [0, -1]; same < 10; ) {
    await setTimeout(20);
    const now = read();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

test('is told when its client has it', async () => {
  await using all = await refused(60_000);
  all.server.sendText(`HTTP/1.1 403 No\r\nContent-Length: ${announced}\r\n\r\n`);
  all.server.flood(Buffer.alloc(64 * 1024));
  await stands(() => all.server.socket.bytesWritten);
  all.server.socket.destroy();
  await all.server.gone;
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
  expect(all.sluice.log.filter(({ event }) => event === 'refused')).toEqual([]);
  all.client.resume();
  await all.client.ended;
  expect(await all.sluice.logged('refused')).toMatchObject({ detail: 'the upstream answered 403, not to its end' });
});

test('a client that takes nothing of it is reset when its time is over', async () => {
  await using all = await refused(300);
  all.server.sendText(`HTTP/1.1 403 No\r\nContent-Length: ${announced}\r\n\r\n`);
  all.server.flood(Buffer.alloc(64 * 1024));
  expect(await all.sluice.logged('refused')).toMatchObject({ detail: 'the upstream answered 403, not to its end' });
  all.client.resume();
  expect(await all.client.ended).toBe('reset');
});
