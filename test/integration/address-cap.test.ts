/** How many connections one address may have, through a whole gateway: by its value, and of IPv6 by its network. */
import { expect, test } from 'vitest';
import { fakeUpstream, switching } from '../helpers/fake-upstream.ts';
import { startGatewayOf } from '../helpers/gateway.ts';
import type { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';

const start = (upstream: { readonly port: number }, most: number, listen: string) =>
  startGatewayOf(`
listen: {${listen}}
admin: {address: "127.0.0.1:0"}
timeouts: {close: 100ms}
routes:
  - {name: a, upstream: "http://127.0.0.1:${upstream.port}", limits: {connections: {max_per_address: ${most}}}}
`);
const behindProxy = 'address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]';

/** A client that the proxy names, or none. */
async function open(port: number, address: string | null): Promise<{ peer: Peer; status: string }> {
  const peer = await rawConnect(port);
  peer.sendText(handshakeRequest({ headers: address === null ? {} : { 'X-Forwarded-For': address } }));
  return { peer, status: (await peer.head()).slice(9, 12) };
}

test('the addresses of one /64 share the cap, and those of another have their own', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using sluice = await start(upstream, 2, behindProxy);
  const statusOf = async (address: string) => (await open(sluice.port, address)).status;
  const first = await open(sluice.port, '2001:db8:0:1::1');
  expect(first.status).toBe('101');
  expect(await statusOf('2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe('101');
  expect(await statusOf('2001:0DB8::0001:8:0:0:2')).toBe('429');
  expect(await sluice.logged('refused')).toMatchObject({
    result: 'too_many_per_address',
    client: '2001:db8:0:1:8::2',
    limit: { name: 'connections.max_per_address', configured: 2, observed: 3 },
  });
  for (const address of ['2001:db8:0:2::1', '2001:db8:0:2::2', '2001:db8::1', '2001:db8:0:1:1::1.2.3.4']) {
    expect(await statusOf(address), address).toBe(address.startsWith('2001:db8:0:1:') ? '429' : '101');
  }
  // A place comes back to the whole network, not to the address that had it.
  first.peer.socket.destroy();
  await sluice.logged('end');
  expect(await statusOf('2001:db8:0:1::9')).toBe('101');
  expect(await statusOf('2001:db8:0:1::1')).toBe('429');
  expect(await sluice.metrics()).toMatch(
    /sluice_limit_violations_total\{.*limit="connections.max_per_address",action="reject"\} 3/,
  );
});

test.each([
  [56, '2001:db8:0:1ff::1', '2001:db8:0:200::1'],
  [128, '2001:db8:0:100:0::1', '2001:db8:0:100::2'],
])('`ipv6_prefix: %i` says what one network is', async (bits, same, other) => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using sluice = await start(upstream, 1, `${behindProxy}, ipv6_prefix: ${bits}`);
  const statuses: string[] = [];
  for (const address of ['2001:db8:0:100::1', same, other]) statuses.push((await open(sluice.port, address)).status);
  expect(statuses).toEqual(['101', '429', '101']);
});

test.each([
  [
    '127.0.0.1',
    '::ffff:127.0.0.1',
    '::FFFF:7f00:1',
    '0:0:0:0:0:ffff:7f00:0001',
    '127.0.0.1:50000',
    '[::ffff:127.0.0.1]:1',
  ],
  ['[2001:db8::7]:443', '2001:db8::7', '2001:0DB8:0:0::0007', '2001:db8::7%eth0'],
])('all spellings of %s are one address', async (first, ...others) => {
  await using upstream = await fakeUpstream({ answer: switching });
  // Networks would make one of them in any case.
  await using sluice = await start(upstream, 1, `${behindProxy}, ipv6_prefix: 128`);
  expect((await open(sluice.port, first)).status).toBe('101');
  for (const spelling of others) expect((await open(sluice.port, spelling)).status, spelling).toBe('429');
  expect((await open(sluice.port, '127.0.0.2')).status).toBe('101');
});

test('an IPv4 client of a socket that speaks IPv6 is the one whom a proxy names', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  // Node calls its clients `::ffff:127.0.0.1`.
  await using sluice = await start(upstream, 1, 'address: "[::ffff:127.0.0.1]:0", trusted_proxies: [127.0.0.1]');
  expect((await open(sluice.port, null)).status).toBe('101');
  expect((await open(sluice.port, '127.0.0.1')).status).toBe('429');
  expect(await sluice.logged('refused')).toMatchObject({ result: 'too_many_per_address', client: '127.0.0.1' });
  expect((await open(sluice.port, '203.0.113.1')).status).toBe('101');
});
