/** Connections that begin with a PROXY protocol header. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { FastConnection } from '../../src/front/fast/fast-connection.ts';
import { anyCaps } from '../helpers/access.ts';
import { type FakeUpstream, fakeUpstream, headerOf, switchingOrOk } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { type GatewayOptions, routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import { HeardMistakes } from '../helpers/heard-mistakes.ts';
import { Peer } from '../helpers/peer.ts';
import { proxyBlock, proxyTcp4, proxyTcp6 } from '../helpers/proxy-header.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';
import type { RouteOverrides } from '../helpers/relay.ts';
import { cert, key } from '../helpers/test-certificate.ts';

const line = Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 1000 443\r\n');
const get = 'GET /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const answering = () => fakeUpstream({ answer: switchingOrOk });

function start(upstream: FakeUpstream, route: RouteOverrides = {}, more: Partial<GatewayOptions> = {}) {
  return startGateway({ routes: [routeTo(upstream, route)], proxyProtocol: ['127.0.0.0/8'], ...more });
}

const headersMs = (ms: number): RouteOverrides => ({
  timeouts: { connectMs: 5000, headersMs: ms, handshakeMs: 15_000, closeMs: 10_000 },
});

async function refusal(sluice: TestGateway) {
  return await sluice.logged('refused', { result: 'proxy_refused' });
}

describe('from those who must send it', () => {
  test.each<[string, Buffer, string]>([
    ['version 1', line, '203.0.113.7'],
    ['version 2', proxyTcp4('04 0003 000000'), '203.0.113.7'],
    ['version 2 of IPv6', proxyTcp6(), '2001:db8::7'],
    [
      'version 2 that maps IPv4',
      proxyBlock({ family: 0x21, body: `${'00'.repeat(10)}ffffcb007107${'00'.repeat(20)}` }),
      '203.0.113.7',
    ],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    ['LOCAL', proxyBlock({ command: 0x20, family: 0, body: '' }), '127.0.0.1'],
    ['a unix socket', proxyBlock({ family: 0x31, body: '61'.repeat(216) }), '127.0.0.1'],
  ])('the client is whom the header names: %s', async (_, header, client) => {
    await using upstream = await answering();
    await using sluice = await start(upstream);
    const peer = await rawConnect(sluice.port);
    peer.send(Buffer.concat([header, Buffer.from(get)]));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    const { request } = await upstream.next();
    expect(headerOf(request, 'X-Forwarded-For')).toBe(client);
    expect(headerOf(request, 'X-Real-IP')).toBe(client);
  });

  test('a header and a request that come byte by byte are read like any other, and so is what follows', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream);
    for (const header of [line, proxyTcp4('04 0003 000000')]) {
      const peer = await rawConnect(sluice.port);
      peer.socket.setNoDelay(true);
      for (const byte of Buffer.concat([header, Buffer.from(get)])) {
        peer.send(Uint8Array.of(byte));
        await new Promise(setImmediate);
      }
      expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
      expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe('203.0.113.7');
      await peer.bytes(2);
      peer.sendText(get);
      expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
      expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe('203.0.113.7');
      peer.socket.destroy();
    }
  });

  test('a request that only the careful lane reads has the same client', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream);
    const peer = await rawConnect(sluice.port);
    peer.send(Buffer.concat([line, Buffer.from('PROPFIND /x HTTP/1.1\r\nHost: gateway.test\r\n\r\n')]));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe('203.0.113.7');
  });

  test('caps count whom the header names, and forwarding headers of such a client do not count', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, { connections: { ...anyCaps, max: 100, maxPerAddress: 1 } });
    const open = async (header: Buffer) => {
      const peer = await rawConnect(sluice.port);
      const request = handshakeRequest({ headers: { 'X-Forwarded-For': '198.51.100.1' } });
      peer.send(Buffer.concat([header, Buffer.from(request)]));
      return { peer, status: (await peer.head()).slice(9, 12) };
    };
    const first = await open(line);
    expect(first.status).toBe('101');
    expect((await open(proxyTcp4())).status).toBe('429');
    expect((await open(proxyTcp6())).status).toBe('101');
    expect(await sluice.logged('refused')).toMatchObject({ result: 'too_many_per_address', client: '203.0.113.7' });
    const relayed = await upstream.next();
    first.peer.send(clientFrame('hello'));
    expect((await relayed.frame()).payload.toString()).toBe('hello');
  });

  test.each<[string, Buffer | string, RegExp]>([
    ['none', get, /sent no PROXY/],
    ['TLS in its place', Buffer.from('1603010200010001', 'hex'), /sent no PROXY/],
    ['a broken line', 'PROXY TCP4 here there 1 2\r\n', /no addresses of TCP4/],
    ['a broken block', proxyBlock({ family: 0x12, body: '00'.repeat(12) }), /family 0x12/],
    ['one that is too long', proxyBlock({ family: 0x11, body: '', length: 65_535 }), /at most 4096/],
  ])('refuses %s, without an answer', async (_, bytes, detail) => {
    await using upstream = await answering();
    await using sluice = await start(upstream);
    const peer = await rawConnect(sluice.port);
    peer.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    await peer.ended;
    expect(peer.received.length).toBe(0);
    expect(await refusal(sluice)).toMatchObject({
      level: 'warn',
      client: '127.0.0.1',
      detail: expect.stringMatching(detail),
    });
    expect(await sluice.metrics()).toMatch(/sluice_handshakes_total\{.*result="proxy_refused"\} 1/);
    expect(upstream.accepted).toBe(0);
  });

  test('refuses one that is not whole in time or breaks off, and says nothing of probes', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, headersMs(300));
    const probe = await rawConnect(sluice.port);
    probe.socket.end();
    const silent = await rawConnect(sluice.port);
    await Promise.all([probe.ended, silent.ended]);
    const slow = await rawConnect(sluice.port);
    slow.sendText('PROXY ');
    await slow.ended;
    expect(await refusal(sluice)).toMatchObject({ detail: expect.stringMatching(/timeouts\.headers/) });
    const broken = await rawConnect(sluice.port);
    broken.sendText('PROXY TCP4');
    broken.socket.end();
    await broken.ended;
    expect(await refusal(sluice)).toMatchObject({ detail: expect.stringMatching(/left within/) });
    expect(sluice.log.filter(({ event }) => event === 'refused')).toHaveLength(2);
  });

  test('one byte every now and then does not lengthen the time', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, headersMs(500));
    const slow = await rawConnect(sluice.port);
    const drip = setInterval(() => slow.sendText('PROXY UNKNOWN  '.at(sent++ % 15)!), 100);
    let sent = 0;
    await slow.ended;
    clearInterval(drip);
    expect(await refusal(sluice)).toMatchObject({ detail: expect.stringMatching(/timeouts\.headers/) });
  });

  test('everybody on a unix socket', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, {}, { proxyProtocol: ['192.0.2.0/24'], unix: join(folder, 's') });
    const peer = await rawConnect(join(folder, 's'));
    peer.send(Buffer.concat([line, Buffer.from(get)]));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe('203.0.113.7');
    const other = await rawConnect(join(folder, 's'));
    other.sendText(get);
    await other.ended;
    expect(await refusal(sluice)).toMatchObject({ client: 'unix' });
  });
});

describe('from anybody else', () => {
  test.each<[string, Buffer]>([
    ['version 1', line],
    ['version 2', proxyTcp4()],
  ])('a header is refused: %s', async (_, header) => {
    await using upstream = await answering();
    await using sluice = await start(upstream, {}, { proxyProtocol: ['192.0.2.0/24'] });
    const peer = await rawConnect(sluice.port);
    peer.send(Buffer.concat([header, Buffer.from(get)]));
    await peer.ended;
    expect(peer.received.length).toBe(0);
    expect(await refusal(sluice)).toMatchObject({
      client: '127.0.0.1',
      detail: expect.stringMatching(/does not name/),
    });
    expect(upstream.accepted).toBe(0);
  });

  test('what is no header is served, in pieces too', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, {}, { proxyProtocol: ['192.0.2.0/24'] });
    const peer = await rawConnect(sluice.port);
    peer.sendText('P');
    await new Promise(setImmediate);
    peer.sendText('UT /x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 0\r\n\r\n');
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    expect(headerOf((await upstream.next()).request, 'X-Forwarded-For')).toBe('127.0.0.1');
  });

  test('where nobody may send it, a header is no request', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, {}, { proxyProtocol: [] });
    const peer = await rawConnect(sluice.port);
    peer.send(Buffer.concat([line, Buffer.from(get)]));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.accepted).toBe(0);
  });
});

describe('before TLS', () => {
  const tlsFiles = () => {
    const files = { cert: join(folder, 'c'), key: join(folder, 'k') };
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
    return files;
  };

  const speakTls = async (socket: Socket) => {
    const secured = connectTls({ socket, servername: 'localhost', ca: cert });
    await once(secured, 'secureConnect');
    return new Peer(secured);
  };

  test('the client is whom the header names, and whoever fails in TLS too', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, {}, { tls: tlsFiles() });
    const tcp = await rawConnect(sluice.port);
    tcp.socket.removeAllListeners('data').pause();
    tcp.send(line);
    const peer = await speakTls(tcp.socket);
    peer.sendText(get);
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    const { request } = await upstream.next();
    expect([headerOf(request, 'X-Forwarded-For'), headerOf(request, 'X-Forwarded-Proto')]).toEqual([
      '203.0.113.7',
      'https',
    ]);
    const plain = await rawConnect(sluice.port);
    plain.send(Buffer.concat([line, Buffer.from(get)]));
    await plain.ended;
    expect(await sluice.logged('refused')).toMatchObject({ result: 'tls_failed', client: '203.0.113.7' });
  });

  test('header and first TLS record in one packet', async () => {
    await using upstream = await answering();
    await using sluice = await start(upstream, {}, { tls: tlsFiles() });
    const tcp = await rawConnect(sluice.port);
    tcp.socket.removeAllListeners('data').pause();
    tcp.socket.cork();
    tcp.send(proxyTcp4());
    const secured = speakTls(tcp.socket);
    tcp.socket.uncork();
    const peer = await secured;
    peer.sendText(handshakeRequest());
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 101 /);
    const relayed = await upstream.next();
    peer.send(clientFrame('hello'));
    expect((await relayed.frame()).payload.toString()).toBe('hello');
    expect(headerOf(relayed.request, 'X-Forwarded-For')).toBe('203.0.113.7');
  });
});

test('a mistake of ours behind a header ends that connection alone', async () => {
  await using upstream = await answering();
  await using sluice = await start(upstream);
  using mistakes = new HeardMistakes();
  const begins = vi.spyOn(FastConnection.prototype, 'start').mockImplementationOnce(() => {
    throw new Error('made on purpose');
  });
  onTestFinished(() => begins.mockRestore());
  const met = await rawConnect(sluice.port);
  met.send(line);
  await met.gone;
  expect(mistakes.told).toEqual(['made on purpose']);
  const next = await rawConnect(sluice.port);
  next.sendText(line + get);
  expect(await next.head()).toMatch(/^HTTP\/1\.1 200 /);
});
