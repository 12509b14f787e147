/**
 * A connection goes over to the careful lane in the middle of its life, with any of the sockets that there are: what
 * has been read and what comes later reaches the other lane once and in order, and the relay can take the socket from
 * there.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { certificateFiles } from '../../helpers/certificate-files.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { routeTo, startGateway, type TestGateway } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';
import { listen } from '../../helpers/listen.ts';
import { Peer } from '../../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { cert } from '../../helpers/test-certificate.ts';

type Form = 'TCP' | 'TLS' | 'TCP whose handles take no buffer of ours';

const forms: readonly Form[] = ['TCP', 'TLS', 'TCP whose handles take no buffer of ours'];

/** An upstream that answers each request with its number, and tells what it got. */
async function echoingUpstream() {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    void serve(socket);
  });
  async function serve(socket: Socket): Promise<void> {
    const reader = new HttpReader(socket);
    while (await reader.begins()) {
      const { startLine, body } = await reader.message('request');
      requests.push(`${startLine} ${body}`);
      const text = `answer ${requests.length}`;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    }
  }
  const port = await listen(server);
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port, requests };
}

/** Makes every handle look as on a runtime whose handles take no buffer of ours. */
async function withoutBuffers(): Promise<void> {
  const server = createServer();
  const port = await listen(server);
  const peer = await rawConnect(port);
  let prototype = (peer.socket as unknown as { _handle: object })._handle;
  while (!Object.hasOwn(prototype, 'useUserBuffer')) prototype = Object.getPrototypeOf(prototype);
  const usual = Object.getOwnPropertyDescriptor(prototype, 'useUserBuffer')!;
  Object.defineProperty(prototype, 'useUserBuffer', { value: undefined, configurable: true });
  peer.socket.destroy();
  server.close();
  onTestFinished(() => {
    Object.defineProperty(prototype, 'useUserBuffer', usual);
  });
}

async function start(form: Form, port: number, webSocketPort = port): Promise<TestGateway> {
  if (form === 'TCP whose handles take no buffer of ours') await withoutBuffers();
  const routes = [routeTo(port), routeTo(webSocketPort, { name: 'ws', path: '/ws' })];
  if (form !== 'TLS') return startGateway({ routes });
  return startGateway({ routes, tls: certificateFiles() });
}

async function connect(form: Form, port: number): Promise<Peer> {
  if (form !== 'TLS') return rawConnect(port);
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
  await once(socket, 'secureConnect');
  return new Peer(socket);
}

/** Starts one, with a client that has sent a request to the fast lane and has its answer. */
async function startAnswered(form: Form) {
  const { port, requests } = await echoingUpstream();
  const sluice = await start(form, port);
  const client = await connect(form, sluice.port);
  const reader = new HttpReader(client.socket);
  client.sendText('GET /a HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
  expect(await reader.message('response')).toMatchObject({ body: 'answer 1' });
  return { ...sluice, client, reader, requests };
}

/** Sends a text in pieces, each of which is read before the next is sent. */
async function sendIn(pieces: number, client: Peer, text: string): Promise<void> {
  const size = Math.ceil(text.length / pieces);
  for (let at = 0; at < text.length; at += size) {
    client.sendText(text.slice(at, at + size));
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }
}

const body = 'a body, \r\n\r\nGET / HTTP/1.1\r\n\r\n of which each byte counts '.repeat(9);
const sized = `Host: gateway.test\r\nContent-Length: ${body.length}\r\n`;
const halves = [body.slice(0, 100), body.slice(100)];
const chunks = halves.map((half) => `${half.length.toString(16)}\r\n${half}\r\n`).join('');

/** A request that only the careful lane reads, and what reaches the upstream: its start line. */
const requests: [what: string, request: string, startLine: string][] = [
  ['HTTP/1.0', `POST /b HTTP/1.0\r\n${sized}\r\n${body}`, 'POST /b HTTP/1.1'],
  ['an empty line before it', `\r\nPOST /b HTTP/1.1\r\n${sized}\r\n${body}`, 'POST /b HTTP/1.1'],
  ['a method that few know', `PROPPATCH /b HTTP/1.1\r\n${sized}\r\n${body}`, 'PROPPATCH /b HTTP/1.1'],
  [
    'an upgrade to h2c',
    `POST /b HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n${sized}\r\n${body}`,
    'POST /b HTTP/1.1',
  ],
  [
    'one in chunks',
    `\r\nPOST /b HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    'POST /b HTTP/1.1',
  ],
];

describe.each(forms)('%s', (form) => {
  test.each(requests)('the second request is %s, in pieces', async (_what, request, startLine) => {
    for (const pieces of [1, 2, 3, 40]) {
      await using sluice = await startAnswered(form);
      const { client, reader, requests: got } = sluice;
      await sendIn(pieces, client, request);
      expect(await reader.message('response')).toMatchObject({ body: 'answer 2' });
      if (!request.includes('HTTP/1.0')) {
        await sendIn(pieces, client, request.trimStart());
        expect(await reader.message('response')).toMatchObject({ body: 'answer 3' });
      }
      client.end();
      expect(await reader.begins()).toBe(false);
      const more = request.includes('HTTP/1.0') ? [] : [`${startLine} ${body}`];
      expect(got).toEqual(['GET /a HTTP/1.1 ', `${startLine} ${body}`, ...more]);
      await client.gone;
      expect(sluice.gateway.sessions.memory.budget.usedBytes).toBe(0);
    }
  });

  test('the second request ends its lines with a bare LF, in pieces', async () => {
    await using sluice = await startAnswered(form);
    const { client, reader, requests: got } = sluice;
    await sendIn(2, client, `POST /b HTTP/1.1\n${sized}\n${body}`);
    expect((await reader.message('response')).startLine).toBe('HTTP/1.1 400 Bad Request');
    expect(await reader.begins()).toBe(false);
    expect(got).toEqual(['GET /a HTTP/1.1 ']);
  });

  test('a body of 20 MB behind a careful head reaches an upstream that is slow', async () => {
    const { port, requests: got } = await echoingUpstream();
    await using sluice = await start(form, port);
    const client = await connect(form, sluice.port);
    const reader = new HttpReader(client.socket);
    const large = Buffer.alloc(20e6, body).toString('latin1');
    client.sendText(`\r\nPOST /b HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: ${large.length}\r\n\r\n`);
    client.sendText(large);
    expect(await reader.message('response')).toMatchObject({ body: 'answer 1' });
    expect(got[0] === `POST /b HTTP/1.1 ${large}`).toBe(true);
  });

  test('a careful handshake becomes a session, with frames before, within and after', async () => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(form, upstream.port);
    const client = await connect(form, sluice.port);
    const [first, second] = [clientFrame(Buffer.alloc(3000, 'first')), clientFrame(Buffer.alloc(70_000, 'second'))];
    await sendIn(2, client, `\r\n${handshakeRequest()}`.slice(0, -4));
    client.send(Buffer.concat([Buffer.from('\r\n\r\n'), first.subarray(0, 1000)]));
    const peer = await upstream.next();
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
    client.send(first.subarray(1000));
    client.send(second);
    const sent = Buffer.concat([first, second]);
    expect((await peer.bytes(sent.length)).equals(sent)).toBe(true);
    const down = frame(Buffer.alloc(300_000, 'down'), { opcode: 2 });
    peer.send(down);
    expect((await client.bytes(down.length)).equals(down)).toBe(true);
    client.send(closeFrame(1000, '', { mask: true }));
    expect((await peer.closeFrame()).code).toBe(1000);
    peer.send(closeFrame(1000));
    expect((await client.closeFrame()).code).toBe(1000);
    expect(await sluice.logged('end')).toMatchObject({ reason: 'client_closed', undelivered_bytes: 0 });
  });

  test('a careful handshake behind an upload has nothing lent when its session begins', async () => {
    const { port } = await echoingUpstream();
    await using upstream = await fakeUpstream();
    await using sluice = await start(form, port, upstream.port);
    const client = await connect(form, sluice.port);
    const upload = 'x'.repeat(200_000);
    client.sendText(`POST /b HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: ${upload.length}\r\n\r\n${upload}`);
    client.sendText(`\r\n${handshakeRequest({ path: '/ws' })}`);
    expect(await client.head()).toMatch(/^HTTP\/1\.1 200 /);
    await client.bytes('answer 1'.length);
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
    // What is lent on such a socket would be armed once more by the lane's own reader, beside the relay's.
    expect(sluice.gateway.sessions.memory.buffers.lentBytes).toBe(0);
  });
});
