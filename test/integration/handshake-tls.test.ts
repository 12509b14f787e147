/** WebSockets to an upstream behind TLS, from the handshake to the close. */
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { connect, createServer as createTlsServer, setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { expectBothWays } from '../helpers/both-ways.ts';
import { certificateFiles } from '../helpers/certificate-files.ts';
import { acceptFor, switching } from '../helpers/fake-upstream.ts';
import { closeFrame, frame } from '../helpers/frames.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { listen } from '../helpers/listen.ts';
import { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { cert, key } from '../helpers/test-certificate.ts';

interface TlsUpstream {
  readonly gateway: TestGateway;
  /** The upstream's end of the next connection, and the request's Host. */
  readonly accepted: Promise<{ peer: Peer; host: string | undefined }>;
}

/** A gateway before an upstream of `localhost` that greets in the same bytes as its 101. */
async function startTlsUpstream(name = 'localhost'): Promise<TlsUpstream> {
  const server = createServer({ cert, key });
  server.on('tlsClientError', () => {});
  const { promise: accepted, resolve } = Promise.withResolvers<{ peer: Peer; host: string | undefined }>();
  server.on('upgrade', (req, socket) => {
    const accept = acceptFor(req.headers['sec-websocket-key']!);
    const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), frame('greeting')]));
    resolve({ peer: new Peer(socket as Socket), host: req.headers.host });
  });
  const port = await listen(server);
  const upstream = { protocol: 'https:', host: name, port, href: `https://${name}:${port}` } as const;
  const gateway = await startGateway({ routes: [routeTo(port, { upstream })] });
  onTestFinished(async () => {
    await gateway[Symbol.asyncDispose]();
    server.close();
    server.closeAllConnections();
  });
  return { gateway, accepted };
}

test('opens no tunnel to an upstream whose certificate nobody vouches for', async () => {
  setDefaultCACertificates([]);
  const { gateway } = await startTlsUpstream();
  const client = await rawConnect(gateway.port);
  client.sendText(handshakeRequest());
  expect((await client.rest()).toString()).toMatch(/^HTTP\/1\.1 502 /);
  expect(await gateway.logged('refused')).toMatchObject({
    result: 'upstream_tls_failed',
    detail: expect.stringContaining('self-signed certificate'),
  });
});

test('opens no tunnel to an upstream whose certificate is for another name', async () => {
  setDefaultCACertificates([cert]);
  const { gateway } = await startTlsUpstream('127.0.0.1');
  const client = await rawConnect(gateway.port);
  client.sendText(handshakeRequest({ headers: { Host: 'localhost' } }));
  expect((await client.rest()).toString()).toMatch(/^HTTP\/1\.1 502 /);
  expect(await gateway.logged('refused')).toMatchObject({
    result: 'upstream_tls_failed',
    detail: expect.stringContaining("does not match certificate's altnames"),
  });
});

test('relays to an upstream whose certificate is trusted, both ways, and closes', async () => {
  setDefaultCACertificates([cert]);
  const { gateway, accepted } = await startTlsUpstream();
  const client = await rawClient(gateway.port, { headers: { Host: 'public.example' } });
  const { peer, host } = await accepted;
  expect(host).toBe('public.example');
  expect((await client.frame()).payload.toString()).toBe('greeting');
  await expectBothWays(client, peer, 5e6);
  peer.send(closeFrame(4001, 'over'));
  expect(await client.closeFrame()).toEqual({ code: 4001, reason: 'over' });
  client.send(closeFrame(4001, '', { mask: true }));
  expect((await peer.closeFrame()).code).toBe(4001);
  expect(await Promise.all([client.ended, peer.ended])).toEqual(['fin', 'fin']);
  client.end();
  peer.end();
  expect(await gateway.logged('end')).toMatchObject({ reason: 'upstream_closed', undelivered_bytes: 0 });
  await Promise.all([client.gone, peer.gone]);
});

test.each([
  ['fast', ''],
  ['careful', '\r\n'],
])('an upstream that leaves with its 101 is missed by a client over TLS, too (%s lane)', async (_, before) => {
  setDefaultCACertificates([cert]);
  const server = createTlsServer({ cert, key }, (socket) => {
    socket
      .on('error', () => {})
      .once('data', (request) => socket.end(Buffer.concat([Buffer.from(switching(String(request))), frame('last')])));
  });
  onTestFinished(() => void server.close());
  const port = await listen(server);
  const upstream = { protocol: 'https:', host: 'localhost', port, href: `https://localhost:${port}` } as const;
  await using gateway = await startGateway({ routes: [routeTo(port, { upstream })], tls: certificateFiles() });
  const client = new Peer(connect({ port: gateway.port, host: '127.0.0.1', servername: 'localhost', ca: cert }));
  client.sendText(before + handshakeRequest());
  expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
  expect((await client.frame()).payload.toString()).toBe('last');
  expect(await client.closeFrame()).toMatchObject({ reason: 'the upstream left without a close frame' });
  client.send(closeFrame(1000, '', { mask: true }));
  expect(await gateway.logged('end')).toMatchObject({ reason: 'upstream_vanished' });
});
