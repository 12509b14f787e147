/** What stays of requests and connections that are over: one specimen of each class. */
import { queryObjects } from 'node:v8';
import { expect, test } from 'vitest';
import { Exchange } from '../../src/front/fast/exchange.ts';
import { Opening } from '../../src/front/fast/opening.ts';
import { Session } from '../../src/relay/session.ts';
import { fakeUpstream, switching } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';

/** How many there are once what nobody holds is gone. */
async function countsOf(...classes: readonly (new (...args: never[]) => object)[]): Promise<number[]> {
  // Some handles let go of their objects a turn later.
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate);
    queryObjects(Session);
  }
  return classes.map((one) => queryObjects(one, { format: 'count' }));
}

test('of many handshakes, connections and requests one each is left', async () => {
  await using upstream = await fakeUpstream({
    answer: (request) =>
      request.includes('/ws') ? switching(request) : 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
  });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  for (let i = 0; i < 5; i++) {
    const client = await rawClient(gateway.port, { path: '/ws' });
    const server = await upstream.next();
    client.socket.resetAndDestroy();
    server.socket.resetAndDestroy();
    await gateway.gateway.sessions.whenEmpty();
    const browser = await rawConnect(gateway.port);
    browser.socket.write('GET / HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n');
    await browser.ended;
    browser.socket.destroy();
    (await upstream.next()).socket.destroy();
  }
  // The last handshake has not become a connection.
  const refused = await rawConnect(gateway.port);
  refused.socket.write(handshakeRequest({ path: '/refused' }));
  await refused.ended;
  expect(await countsOf(Opening, Session, Exchange)).toEqual([1, 1, 1]);
});
