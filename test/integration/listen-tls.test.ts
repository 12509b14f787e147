/** The public port with a certificate of its own. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/model/load.ts';
import { expectBothWays } from '../helpers/both-ways.ts';
import { ConfigMapVolume } from '../helpers/config-map.ts';
import { type FakeUpstream, fakeUpstream, headerOf } from '../helpers/fake-upstream.ts';
import { clientFrame, closeFrame } from '../helpers/frames.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import { cert, key, renewedCert, renewedKey } from '../helpers/test-certificate.ts';
import { spokenOf, weakSuites } from '../helpers/tls-suites.ts';
import { clientHello, Tls12Client } from '../helpers/tls12-records.ts';

let folder: string;
let secret: ConfigMapVolume;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
  secret = new ConfigMapVolume(folder);
  secret.swap({ 'tls.crt': cert, 'tls.key': key });
});
afterEach(() => rmSync(folder, { recursive: true }));

const files = () => ({ cert: secret.path('tls.crt'), key: secret.path('tls.key') });

function start(upstream: FakeUpstream, headersMs = 10_000): Promise<TestGateway> {
  const timeouts = { connectMs: 5000, headersMs, handshakeMs: 15_000, closeMs: 10_000 };
  return startGateway({ routes: [routeTo(upstream, { timeouts })], tls: files() });
}

async function tlsConnect(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: [cert, renewedCert], ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function tlsClient(port: number): Promise<{ client: Peer; socket: TLSSocket }> {
  const socket = await tlsConnect(port);
  const client = new Peer(socket);
  client.sendText(handshakeRequest());
  expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
  return { client, socket };
}

/** At level 0, or this client would not offer it. */
const tls11 = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

test('a WebSocket over TLS is relayed byte for byte both ways, and closed', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  const { client } = await tlsClient(sluice.port);
  const peer = await upstream.next();
  await expectBothWays(client, peer, 5e6);
  client.send(closeFrame(4001, 'over', { mask: true }));
  expect(await peer.closeFrame()).toEqual({ code: 4001, reason: 'over' });
  peer.send(closeFrame(4001));
  expect((await client.closeFrame()).code).toBe(4001);
  expect(await sluice.logged('end')).toMatchObject({ reason: 'client_closed', undelivered_bytes: 0 });
});

test('the backend hears that the client came by https, with WebSockets and with plain requests', async () => {
  await using upstream = await fakeUpstream({
    answer: (text) => (text.includes('Upgrade: websocket') ? null : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  });
  await using sluice = await start(upstream);
  const client = new Peer(await tlsConnect(sluice.port));
  client.sendText(handshakeRequest());
  const handshake = await upstream.next();
  const get = request({ port: sluice.port, host: '127.0.0.1', servername: 'localhost', ca: cert }).end();
  const [response] = await once(get, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
  for (const { request: block } of [handshake, await upstream.next()]) {
    expect(headerOf(block, 'X-Forwarded-Proto')).toBe('https');
    expect(headerOf(block, 'X-Scheme')).toBe('https');
  }
});

test.each([
  ['nothing', 0],
  ['three bytes', 3],
  ['half a hello', 20],
])('a client that ends behind %s of TLS is let go at once', async (_, sent) => {
  await using upstream = await fakeUpstream();
  // No clock of the test's own would notice.
  await using sluice = await start(upstream, 3_600_000);
  const client = connectTcp({ port: sluice.port, host: '127.0.0.1', allowHalfOpen: true });
  const hello = clientHello();
  client.resume().end(Buffer.concat([Buffer.from([22, 3, 1, 0, hello.length]), hello]).subarray(0, sent));
  await once(client, 'end');
  client.destroy();
});

test('speaks TLS 1.2 and 1.3 and nothing older, and HTTP/1.1 alone', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const versions = { minVersion: version, maxVersion: version };
    const socket = await tlsConnect(sluice.port, { ...versions, ALPNProtocols: ['h2', 'http/1.1'] });
    expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, 'http/1.1']);
    socket.destroy();
  }
  await expect(tlsConnect(sluice.port, tls11)).rejects.toThrow(/alert protocol version/);
  const detail = 'the client speaks no TLS from 1.2 on';
  expect(await sluice.logged('refused')).toMatchObject({ result: 'tls_failed', detail, client: '127.0.0.1' });
  await expect(tlsConnect(sluice.port, { ALPNProtocols: ['h2'] })).rejects.toThrow(/no application protocol/);
});

test.each(weakSuites)(
  'a suite of TLS 1.2 without forward secrecy or authenticated encryption is not spoken: %s',
  async (_, pair, suites) => {
    secret.swap({ 'tls.crt': pair.cert, 'tls.key': pair.key });
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream);
    expect(await spokenOf(suites, sluice.port)).toEqual([]);
    expect(await spokenOf([pair.strong], sluice.port)).toEqual([pair.strong]);
  },
);

test('a client cannot ask for another handshake on the same connection', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  const socket = await tlsConnect(sluice.port, { maxVersion: 'TLSv1.2' });
  socket.renegotiate({}, () => {});
  const [error] = await once(socket, 'error');
  socket.on('error', () => {}).destroy();
  expect(error.code).toBe('ERR_SSL_NO_RENEGOTIATION');
});

test('who asks for handshakes again and again, and hears no refusal, is hung up on', async () => {
  await using upstream = await fakeUpstream();
  // No clock but TLS's own.
  await using sluice = await start(upstream, 0);
  const client = await Tls12Client.connect(sluice.port);
  const hellos = (count: number) =>
    Buffer.concat(Array.from({ length: count }, () => client.handshakeRecord(clientHello())));
  const closed = new Promise((resolve) => client.tcp.once('close', resolve));
  let heard = Buffer.alloc(0);
  client.tcp.on('data', (chunk) => {
    heard = Buffer.concat([heard, chunk]);
  });
  client.tcp.resume();
  client.tcp.write(hellos(3));
  // Each is refused by a warning: an alert, encrypted.
  const alert = { type: 21, bytes: 31 };
  await expect.poll(() => heard.length).toBe(3 * alert.bytes);
  expect(heard[0]).toBe(alert.type);
  client.tcp.write(hellos(2000));
  await closed;
});

test('plain HTTP and silence get nothing, and the first is told of in the log', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream, 500);
  const probe = connectTcp(sluice.port, '127.0.0.1');
  await once(probe, 'connect');
  probe.end();
  await once(probe.resume(), 'close');
  const silent = await rawConnect(sluice.port);
  const plain = await rawConnect(sluice.port);
  plain.sendText(handshakeRequest());
  await plain.ended;
  expect(await sluice.logged('refused')).toMatchObject({
    result: 'tls_failed',
    detail: 'the client speaks plain HTTP; its URL must begin with https or wss',
  });
  await silent.ended;
  expect(sluice.log.filter(({ event }) => event === 'refused')).toHaveLength(1);
  expect(upstream.accepted).toBe(0);
});

test('a changed certificate is shown to new connections, and those that live go on', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  expect(await sluice.logged('tls_loaded')).toMatchObject({ ...files(), names: 'DNS:localhost' });
  const { client, socket } = await tlsClient(sluice.port);
  const peer = await upstream.next();
  secret.swap({ 'tls.crt': renewedCert, 'tls.key': renewedKey });
  expect(await sluice.logged('tls_loaded')).toMatchObject({ names: 'DNS:localhost, DNS:renewed.test' });
  const next = await tlsClient(sluice.port);
  expect(next.socket.getPeerCertificate().subjectaltname).toContain('renewed.test');
  expect(socket.getPeerCertificate().subjectaltname).not.toContain('renewed.test');
  client.send(clientFrame('hello'));
  await peer.bytes(clientFrame('hello').length);
  // The rules of the first one hold for the next too.
  await expect(tlsConnect(sluice.port, tls11)).rejects.toThrow(/alert protocol version/);
});

test('files that do not fit leave the certificate in use, and the log says why', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  secret.swap({ 'tls.crt': renewedCert, 'tls.key': key });
  expect(await sluice.logged('tls_rejected')).toMatchObject({
    level: 'error',
    problem: `listen.tls.key: ${files().key} is not the key of the certificate in ${files().cert}`,
  });
  const { socket } = await tlsClient(sluice.port);
  expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:localhost');
});

test('a reload may name other files', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  await sluice.logged('tls_loaded');
  const other = new ConfigMapVolume(join(folder, 'other'));
  other.swap({ c: renewedCert, k: renewedKey });
  const yaml = `listen: {tls: {cert: ${other.path('c')}, key: ${other.path('k')}}}\nroutes: [{name: test, upstream: "http://127.0.0.1:${upstream.port}"}]\n`;
  expect(sluice.gateway.reload(loadConfig('f', yaml))).toBe(true);
  expect(await sluice.logged('tls_loaded')).toMatchObject({ cert: other.path('c') });
  other.swap({ c: cert, k: key });
  expect(await sluice.logged('tls_loaded')).toMatchObject({ names: 'DNS:localhost' });
});

test('does not start without a certificate that can be used', async () => {
  await using upstream = await fakeUpstream();
  secret.swap({ 'tls.crt': cert, 'tls.key': renewedKey });
  await expect(start(upstream)).rejects.toThrow(
    `listen.tls.key: ${files().key} is not the key of the certificate in ${files().cert}`,
  );
});
