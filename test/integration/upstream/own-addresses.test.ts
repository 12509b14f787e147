/** A name may resolve to Sluice itself: what is forwarded there would go round until no connection is left. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/model/load.ts';
import { createGateway } from '../../../src/gateway.ts';
import type { Address } from '../../../src/upstream/addresses.ts';
import { OwnAddresses } from '../../../src/upstream/own-addresses.ts';
import { testConnector } from '../../helpers/connector.ts';
import { freePort } from '../../helpers/listen.ts';
import { LogLines } from '../../helpers/log-lines.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { noUpstreamTls } from '../../helpers/relay.ts';

const ownHost = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;

/** A gateway that listens on all addresses or one, whose route leads to its own port by a name with these addresses. */
async function circular(addresses: readonly string[], host = '0.0.0.0') {
  const port = await freePort();
  const text = `
listen: {address: "${host}:${port}"}
admin: {address: "127.0.0.1:0"}
routes:
  - {name: round, upstream: "http://pod.test:${port}"}
`;
  const loaded = loadConfig('sluice.yaml', text);
  if ('errors' in loaded) throw new Error(loaded.errors[0]!.message);
  const lines = new LogLines();
  const lookup = async () => addresses.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 }));
  const gateway = createGateway(loaded.config, { log: lines.log, lookup });
  await gateway.start();
  onTestFinished(() => void gateway.stop(AbortSignal.abort()));
  /** The answer to a request, to its end. */
  const ask = async (request: string) => {
    const client = await rawConnect(port);
    client.sendText(request);
    const head = await client.head();
    client.socket.destroy();
    return head;
  };
  const metrics = async () => String(Buffer.concat(await gateway.renderMetrics('text')));
  return { port, ask, metrics, lines };
}

const get = (method: string) => `${method} /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

const places: readonly (readonly [name: string, address: string])[] = [
  ['loopback', '127.0.0.1'],
  ['another name of loopback', '127.9.9.9'],
  ['the wildcard address', '0.0.0.0'],
  ['an IPv4 address as IPv6 writes it', '::ffff:127.0.0.1'],
  ...(ownHost === undefined ? [] : [['an address of this machine', ownHost] as const]),
];

test.each(places)(
  'a name that resolves to %s is refused in both lanes and for handshakes, and counted',
  async (_, address) => {
    const { port, ask, metrics, lines } = await circular([address]);
    for (const request of [get('GET'), get('PROPFIND'), handshakeRequest()]) {
      expect(await ask(request)).toMatch(/^HTTP\/1\.1 502 /);
    }
    expect(await metrics()).toContain('sluice_upstream_errors_total{route="round",error="loop"} 3\n');
    const failed = lines.all.filter(({ event }) => event === 'http_failed' || event === 'refused');
    expect(failed).toHaveLength(3);
    for (const { detail } of failed) {
      expect(detail).toMatch(`:${port} is where Sluice itself listens, and a request would go round in a circle`);
    }
  },
);

test('where a name has other addresses too, those are used', async () => {
  const { port, ask } = await circular(['127.0.0.1', '127.0.0.2'], '127.0.0.1');
  const other = createServer((_req, res) => res.writeHead(204).end());
  other.listen(port, '127.0.0.2');
  await once(other, 'listening');
  onTestFinished(() => {
    other.closeAllConnections();
    other.close();
  });
  expect(await ask(get('GET'))).toMatch(/^HTTP\/1\.1 204 /);
});

test('what is asked beside the requests may go to a route of Sluice itself: that is no circle', async () => {
  const { port } = await circular(['127.0.0.1']);
  const connector = testConnector({ own: new OwnAddresses(() => [{ kind: 'tcp', host: '127.0.0.1', port }]) });
  const target = { protocol: 'http:', host: '127.0.0.1', port, href: '' } as const;
  const ask = { target, tls: noUpstreamTls, timeoutMs: 20_000, signal: new AbortController().signal };
  const asked = await connector.connect(ask);
  expect(asked).toHaveProperty('socket');
  if ('socket' in asked) asked.socket.destroy();
  expect(await connector.connect({ ...ask, forwards: true })).toMatchObject({ problem: 'loop' });
});

test('who listens at one address alone is found there, and elsewhere only as loopback or by the wildcard', () => {
  const at = (host: string) => new OwnAddresses(() => [{ kind: 'tcp', host, port: 80 }]);
  expect(at('192.0.2.7').refuse('192.0.2.7', 80)).toContain('192.0.2.7:80 is where');
  expect(at('192.0.2.7').refuse('192.0.2.7', 81)).toBeNull();
  expect(at('192.0.2.7').refuse('127.0.0.1', 80)).toBeNull();
  expect(at('127.0.0.1').refuse('0.0.0.0', 80)).toContain('0.0.0.0:80 is where');
  expect(at('127.0.0.1').refuse('127.0.0.2', 80)).toBeNull();
  expect(at('::1').refuse('::', 80)).toContain('[::]:80 is where');
  expect(at('localhost').refuse('::1', 80)).toContain('[::1]:80 is where');
  expect(at('::').refuse('127.0.0.1', 80)).toContain('circle');
  expect(at('0.0.0.0').refuse('::1', 80)).toBeNull();
  expect(at('127.0.0.1').refuse('192.0.2.7', 80)).toBeNull();
  const unix = new OwnAddresses(() => [{ kind: 'unix', path: '/run/sluice.sock' }]);
  expect(unix.refuseSocket('/run/sluice.sock')).toContain('/run/sluice.sock is where');
  expect(unix.refuseSocket('/run/other.sock')).toBeNull();
});
