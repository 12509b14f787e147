/** How often one address may ask, through a whole gateway. */
import { expect, test } from 'vitest';
import { fakeUpstream, headerOf, switching } from '../helpers/fake-upstream.ts';
import { startGatewayOf } from '../helpers/gateway.ts';
import type { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';

const answering = () =>
  fakeUpstream({
    answer: (text) =>
      text.includes('Upgrade: websocket')
        ? switching(text)
        : 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  });

const from = (address: string) => ({ 'X-Forwarded-For': address });
const get = (address: string, method = 'GET') =>
  `${method} / HTTP/1.1\r\nHost: gateway.test\r\nX-Forwarded-For: ${address}\r\nContent-Length: 0\r\n\r\n`;

test('handshakes and requests beyond the rate get 429 in both lanes, and others come in', async () => {
  await using upstream = await answering();
  await using sluice = await startGatewayOf(`
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
routes:
  - name: a
    upstream: "http://127.0.0.1:${upstream.port}"
    rates:
      handshakes_per_address: {rate: 1/s, burst: 2}
      requests_per_address: {rate: 1/s, burst: 2}
`);
  const ask = async (text: string): Promise<{ peer: Peer; head: string }> => {
    const peer = await rawConnect(sluice.port);
    peer.sendText(text);
    return { peer, head: await peer.head() };
  };
  const statusOf = async (text: string) => (await ask(text)).head.slice(9, 12);
  const handshake = (address: string) => handshakeRequest({ headers: from(address) });
  /** Asks until it is refused; a slow machine may let one more in each second. */
  const untilRefused = async (text: string) => {
    const seen: string[] = [];
    for (let last = ''; !last.includes(' 429 '); ) {
      last = (await ask(text)).head;
      seen.push(last);
    }
    return seen;
  };
  const seen = await untilRefused(handshake('203.0.113.1'));
  expect(seen.slice(0, 2).map((head) => head.slice(9, 12))).toEqual(['101', '101']);
  expect(await sluice.logged('refused')).toMatchObject({
    result: 'handshake_rate',
    status: 429,
    client: '203.0.113.1',
  });
  expect(await statusOf(handshake('203.0.113.2'))).toBe('101');
  for (const method of ['GET', 'PROPFIND']) {
    const last = method === 'GET' ? '203.0.113.3' : '203.0.113.4';
    const heads = await untilRefused(get(last, method));
    expect(heads.slice(0, 2).map((head) => head.slice(9, 12))).toEqual(['200', '200']);
    expect(headerOf(heads.at(-1)!, 'Retry-After')).toBe('1');
    expect(await sluice.logged('refused')).toMatchObject({ result: 'request_rate', client: last });
  }
  expect(await sluice.metrics()).toMatch(/sluice_handshakes_total\{.*result="request_rate"\} 2/);
});

test('handshakes beyond what the preset expects of one address are told and counted, and come in', async () => {
  await using upstream = await answering();
  await using sluice = await startGatewayOf(`
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
routes:
  - {name: a, preset: panel, upstream: "http://127.0.0.1:${upstream.port}"}
`);
  const reported = () => sluice.log.find(({ event }) => event === 'rate_reported');
  const seen = new Set<string>();
  let count = 0;
  // The first 200 at least are expected, and ten more for each second that this takes.
  while (reported() === undefined) {
    const peer = await rawConnect(sluice.port);
    peer.sendText(handshakeRequest({ headers: from('203.0.113.1') }));
    seen.add((await peer.head()).slice(9, 12));
    peer.reset();
    count++;
  }
  expect([...seen]).toEqual(['101']);
  expect(count).toBeGreaterThan(200);
  expect(reported()).toMatchObject({
    route: 'a',
    client: '203.0.113.1',
    detail: 'rates.handshakes_per_address is 10/s with a burst of 200',
  });
  expect(await sluice.metrics()).toMatch(/^sluice_handshakes_over_rate_total\{route="a"\} [1-9]/m);
});
