/** HAProxy before Sluice, with what it says of its clients by the PROXY protocol. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { fakeUpstream, headerOf, switchingOrOk } from '../../helpers/fake-upstream.ts';
import { clientFrame } from '../../helpers/frames.ts';
import { Peer } from '../../helpers/peer.ts';
import { handshakeRequest } from '../../helpers/raw-client.ts';
import { cert, key } from '../../helpers/test-certificate.ts';
import { scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { Sluice } from '../harness/sluice.ts';

/** Any address of 127.0.0.0/8 is this machine's: the client has one, HAProxy another. */
const client = '127.0.0.77';
const get = 'GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n';

async function startHaproxy(target: number, options: string): Promise<{ port: number; haproxy: ServerProcess }> {
  const folder = scratchDirectory('haproxy');
  const [port, stats] = [await freePort(), await freePort()];
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  maxconn 1000
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend stats
  mode http
  bind 127.0.0.1:${stats}
  http-request return status 200
frontend public
  bind 127.0.0.1:${port}
  default_backend sluice
backend sluice
  source 127.0.0.88
  server one 127.0.0.1:${target} ${options}
`,
  );
  const haproxy = await ServerProcess.start({
    name: 'haproxy',
    command: 'haproxy',
    args: ['-db', '-f', file],
    ready: answers(`http://127.0.0.1:${stats}/`),
  });
  return { port, haproxy };
}

async function open(port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: client });
  await once(socket, 'connect');
  return new Peer(socket);
}

const answering = () => fakeUpstream({ answer: switchingOrOk });

test.each([
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2 proxy-v2-options unique-id,authority,crc32c',
  'send-proxy-v2 check inter 200ms',
])('with %s backends, caps and the log know the client', async (options) => {
  await using upstream = await answering();
  const route = {
    name: 'a',
    upstream: `http://127.0.0.1:${upstream.port}`,
    limits: { connections: { max_per_address: 1 } },
  };
  await using sluice = await Sluice.start({ listen: { proxy_protocol: ['127.0.0.88'] }, routes: [route] });
  const { port, haproxy } = await startHaproxy(sluice.port, options);
  await using _ = haproxy;
  const plain = await open(port);
  plain.sendText(get);
  expect(await plain.head()).toMatch(/^HTTP\/1\.1 200 /);
  expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe(client);
  const first = await open(port);
  first.sendText(handshakeRequest());
  expect(await first.head()).toMatch(/^HTTP\/1\.1 101 /);
  const relayed = await upstream.next();
  first.send(clientFrame('hello'));
  expect((await relayed.frame()).payload.toString()).toBe('hello');
  const second = await open(port);
  second.sendText(handshakeRequest());
  expect(await second.head()).toMatch(/^HTTP\/1\.1 429 /);
  await sluice.logged({ event: 'refused', client });
  // Health checks speak for HAProxy itself, and are nothing to tell of.
  const told = sluice.log.filter(({ event }) => event === 'refused');
  expect(told).toEqual([expect.objectContaining({ result: 'too_many_per_address', client })]);
  for (const peer of [plain, first, second]) peer.socket.destroy();
});

test('with TLS behind the header, and refused where HAProxy sends none or may not', async () => {
  await using upstream = await answering();
  const folder = scratchDirectory('tls');
  const tls = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  writeFileSync(tls.cert, cert);
  writeFileSync(tls.key, key);
  const routes = [{ name: 'a', upstream: `http://127.0.0.1:${upstream.port}` }];
  await using sluice = await Sluice.start({ listen: { proxy_protocol: ['127.0.0.88'], tls }, routes });
  const { port, haproxy } = await startHaproxy(sluice.port, 'send-proxy-v2');
  await using _ = haproxy;
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    localAddress: client,
    servername: 'localhost',
    ca: cert,
  } as never);
  await once(socket, 'secureConnect');
  const peer = new Peer(socket);
  peer.sendText(get);
  expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
  expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe(client);

  const { port: silentPort, haproxy: silent } = await startHaproxy(sluice.port, '');
  await using __ = silent;
  const unsaid = await open(silentPort);
  unsaid.sendText(get);
  await unsaid.ended;
  const direct = connect({ port: sluice.port, host: '127.0.0.1', localAddress: '127.0.0.99' });
  const stranger = new Peer(direct);
  await once(direct, 'connect');
  stranger.sendText(`PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${get}`);
  await stranger.ended;
  await sluice.logged({ event: 'refused', client: '127.0.0.99' });
  const refused = sluice.log.filter(({ event }) => event === 'refused');
  expect(refused).toMatchObject([
    { result: 'proxy_refused', client: '127.0.0.88' },
    { result: 'proxy_refused', client: '127.0.0.99' },
  ]);
});
