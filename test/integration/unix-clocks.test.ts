/** The clocks of waiting connections, on a unix socket, where a peer has no address and no port. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fakeUpstream, headersOf } from '../helpers/fake-upstream.ts';
import { type GatewayOptions, routeTo, startGateway } from '../helpers/gateway.ts';
import { Peer } from '../helpers/peer.ts';
import { rawConnect } from '../helpers/raw-client.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { cert, key } from '../helpers/test-certificate.ts';

function folder(): string {
  const path = scratchFolder();
  return path;
}

/** From here on time passes only when it is told to, and with it the clock that is looked at once a second. */
function holdTime(): void {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets time pass, and whoever is late go. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}

test('an idle connection is closed after 75 s', async () => {
  const path = join(folder(), 'socket');
  await using upstream = await fakeUpstream({ answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' });
  holdTime();
  await using _gateway = await startGateway({ routes: [routeTo(upstream)], unix: path });
  const client = await rawConnect(path);
  client.sendText('GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  await client.head();
  await client.bytes(2);
  await pass(74_000);
  expect(client.socket.destroyed).toBe(false);
  await pass(2000);
  expect(await client.ended).toBe('fin');
});

/** A gateway that speaks TLS on a unix socket, with its path. */
async function secured(options: Pick<GatewayOptions, 'routes' | 'proxyProtocol'>) {
  const place = folder();
  const tls = { cert: join(place, 'tls.crt'), key: join(place, 'tls.key') };
  writeFileSync(tls.cert, cert);
  writeFileSync(tls.key, key);
  const path = join(place, 'socket');
  return { gateway: await startGateway({ ...options, unix: path, tls }), path };
}

const slowHead = { connectMs: 5000, headersMs: 30_000, handshakeMs: 15_000, closeMs: 10_000 };

test('a client that has agreed on TLS is none that has still to, and is who the proxy says', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  holdTime();
  const { gateway, path } = await secured({
    routes: [routeTo(upstream, { timeouts: slowHead })],
    proxyProtocol: ['10.0.0.0/8'],
  });
  await using _ = gateway;
  const socket = connect(path);
  await once(socket, 'connect');
  socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 1000 443\r\n');
  const tls = connectTls({ socket, servername: 'localhost', ca: cert });
  await once(tls, 'secureConnect');
  const client = new Peer(tls);
  client.sendText('GET / HTTP/1.1\r\nHost: gateway.test\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n');
  const asked = await upstream.next();
  expect(headersOf(asked.request, 'X-Forwarded-For')).toEqual(['192.0.2.7']);
  await pass(40_000);
  expect(tls.destroyed).toBe(false);
  asked.sendText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect(await client.head()).toMatch(/^HTTP\/1\.1 200 /);
  tls.destroy();
});

test.each([
  ['says nothing', ''],
  ['begins and goes no further', '\x16\x03\x01\x02\x00\x01'],
])('a client of TLS that %s is dropped after timeouts.headers', async (_name, hello) => {
  await using upstream = await fakeUpstream();
  holdTime();
  const { gateway, path } = await secured({ routes: [routeTo(upstream, { timeouts: slowHead })] });
  await using _ = gateway;
  const client = await rawConnect(path);
  client.sendText(hello);
  await pass(29_000);
  expect(client.socket.destroyed).toBe(false);
  await pass(2000);
  await client.gone;
  expect(client.received.length).toBe(0);
});
