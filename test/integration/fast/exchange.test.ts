/** Plain HTTP in the fast lane: whole exchanges with raw clients and raw upstreams. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Connection } from '../../../src/front/connection.ts';
import { counts } from '../../helpers/counts.ts';
import { type FakeUpstream, fakeUpstream, headersOf, type UpstreamPeer } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway, type TestGateway } from '../../helpers/gateway.ts';
import type { Peer } from '../../helpers/peer.ts';
import { rawConnect } from '../../helpers/raw-client.ts';
import type { RouteOverrides } from '../../helpers/relay.ts';

/** A gateway before an upstream whose answers the test gives, and a client. */
async function stand(overrides: RouteOverrides = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await fakeUpstream({ answer: () => null }));
  const gateway = stack.use(await startGateway({ routes: [routeTo(upstream, overrides)] }));
  const client = await rawConnect(gateway.port);
  return {
    upstream,
    gateway,
    client,
    counters: gateway.gateway.counters.of('test'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const get = (path = '/', ...lines: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: gateway.test', ...lines, '', ''].join('\r\n');
const answer = (body: string, ...lines: string[]) =>
  ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, 'Date: now', ...lines, '', body].join('\r\n');

/** Asks once, and lets the upstream answer; both connections stay open. */
async function exchange(client: Peer, upstream: FakeUpstream, path: string): Promise<UpstreamPeer> {
  client.sendText(get(path));
  const peer = await upstream.next();
  peer.sendText(answer('ok'));
  await readAnswer(client);
  return peer;
}

/** Takes an answer with a length. */
async function readAnswer(client: Peer): Promise<{ head: string; body: string }> {
  const head = await client.head();
  const length = Number(headersOf(head, 'content-length')[0] ?? 0);
  return { head, body: (await client.bytes(length)).toString('latin1') };
}

describe('heads', () => {
  test('of requests pass byte for byte, with forwarding lines behind', async () => {
    await using all = await stand();
    const lines = ['hOST: gateway.test', 'Cookie: a=1', 'X-Raw:\t\xe9\xff ', 'Accept: a', 'Cookie: b=2', 'accept: b'];
    all.client.sendText(['GET /p%2Fq?x=|{} HTTP/1.1', ...lines, 'Connection: keep-alive', '', ''].join('\r\n'));
    const { request } = await all.upstream.next();
    expect(request.split('\r\n').slice(0, -2)).toEqual([
      'GET /p%2Fq?x=|{} HTTP/1.1',
      ...lines,
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: gateway.test',
      'X-Real-IP: 127.0.0.1',
      'X-Scheme: http',
    ]);
  });

  test('of answers pass byte for byte', async () => {
    await using all = await stand();
    all.client.sendText(get());
    const head = [
      'HTTP/1.1 207 Alles \xfcber',
      'Content-Disposition: attachment; filename="\xe9\xff.txt"',
      'content-length: 2',
      'Set-Cookie: a',
      'date: then',
      'set-cookie: b',
      'X-Last:',
      '',
      '',
    ].join('\r\n');
    (await all.upstream.next()).sendText(`${head}ok`);
    expect(await all.client.head()).toBe(head);
    expect((await all.client.bytes(2)).toString()).toBe('ok');
    expect(counts(all.counters.httpRequests)).toEqual({ 'GET|2xx': 1 });
  });

  test('in pieces are read as whole ones are, and 200 lines pass', async () => {
    await using all = await stand();
    const lines = Array.from({ length: 200 }, (_, i) => `X-${i}: ${'y'.repeat(i)}`);
    const text = get('/', ...lines);
    for (let at = 0; at < text.length; at += 997) {
      all.client.sendText(text.slice(at, at + 997));
      await new Promise(setImmediate);
    }
    const peer = await all.upstream.next();
    expect(peer.request.split('\r\n').filter((line) => line.startsWith('X-') && line.includes(': y'))).toEqual(
      lines.slice(1),
    );
    const head = ['HTTP/1.1 200 OK', ...lines, 'Content-Length: 0', 'Date: now', '', ''].join('\r\n');
    for (let at = 0; at < head.length; at += 1009) {
      peer.sendText(head.slice(at, at + 1009));
      await new Promise(setImmediate);
    }
    expect(await all.client.head()).toBe(head);
  });

  test('informational answers come down before the answer', async () => {
    await using all = await stand();
    all.client.sendText(get());
    const peer = await all.upstream.next();
    peer.sendText('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
    expect(await all.client.head()).toBe('HTTP/1.1 102 Processing\r\n\r\n');
    expect(await all.client.head()).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
    peer.sendText(answer('ok'));
    expect(await readAnswer(all.client)).toEqual({ head: answer('ok').slice(0, -2), body: 'ok' });
  });
});

describe('an answer that comes before the body', () => {
  test.each([3e6, 130e6])(
    'of %d bytes is sent arrives, where the upstream then resets the connection',
    async (size) => {
      await using all = await stand();
      const { socket } = all.client;
      all.client.sendText(`PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
      const peer = await all.upstream.next();
      peer.pause();
      const chunk = Buffer.alloc(64 * 1024, 'x');
      let open = true;
      void all.client.ended.then(() => {
        open = false;
      });
      const sending = (async () => {
        for (let sent = 0; sent < size && open; sent += chunk.length) {
          const full = !socket.write(chunk.subarray(0, Math.min(chunk.length, size - sent)));
          if (full) await Promise.race([once(socket, 'drain').catch(() => {}), all.client.gone]);
        }
      })();
      await new Promise(setImmediate);
      peer.sendText(`HTTP/1.1 401 Unauthorized\r\nDate: now\r\nContent-Length: 9\r\n\r\nno access`);
      peer.socket.end(() => peer.reset());
      const { head, body } = await readAnswer(all.client);
      expect(head).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\nDate: now\r\nContent-Length: 9\r\n/);
      expect(body).toBe('no access');
      expect(headersOf(head, 'Connection')).toEqual(['close']);
      socket.destroy();
      await sending;
      await all.upstream.idle();
      expect(counts(all.counters.httpRequests)).toEqual({ 'PUT|4xx': 1 });
      expect(all.gateway.log.filter(({ event }) => event === 'http_failed')).toEqual([]);
    },
  );

  test('up to a reset is whole where it refuses a body', async () => {
    await using all = await stand();
    all.client.sendText('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    const peer = await all.upstream.next();
    peer.sendText('HTTP/1.1 400 Bad Request\r\nDate: now\r\n\r\n');
    await all.client.head();
    peer.reset();
    expect((await all.client.bytes(5)).toString()).toBe('0\r\n\r\n');
  });

  test('leaves the rest of the body to an upstream that goes on reading', async () => {
    await using all = await stand();
    all.client.sendText('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    const peer = await all.upstream.next();
    expect((await peer.bytes(3)).toString()).toBe('abc');
    peer.sendText(answer('early'));
    expect((await readAnswer(all.client)).body).toBe('early');
    all.client.sendText(`def${get('/next')}`);
    expect((await peer.bytes(3)).toString()).toBe('def');
    // What an upstream has answered too early it may take for the next request.
    await peer.gone;
    const next = await all.upstream.next();
    expect(next.request).toMatch(/^GET \/next /);
  });

  test('ends with the rest of the body where nobody reads it', async () => {
    await using all = await stand();
    all.client.sendText('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc');
    const peer = await all.upstream.next();
    peer.sendText(answer('early'));
    peer.end();
    expect((await readAnswer(all.client)).body).toBe('early');
    all.client.sendText(`def${get('/next')}`);
    expect((await all.upstream.next()).request).toMatch(/^GET \/next /);
  });
});

describe('a client that waits to be told to go on', () => {
  const put = 'PUT /big HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\nExpect: 100-continue\r\n\r\n';

  test('is told so by the upstream', async () => {
    await using all = await stand();
    all.client.sendText(put.replace('50000000', '5'));
    const peer = await all.upstream.next();
    expect(headersOf(peer.request, 'Expect')).toEqual(['100-continue']);
    peer.sendText('HTTP/1.1 100 Continue\r\n\r\n');
    expect(await all.client.head()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    all.client.sendText('hello');
    expect((await peer.bytes(5)).toString()).toBe('hello');
    peer.sendText(answer('ok'));
    expect((await readAnswer(all.client)).head).not.toContain('Connection');
  });

  test.each(['401 Unauthorized', '417 Expectation Failed', '413 Content Too Large'])(
    'hears %s instead, not a byte of its body is asked for, and its connection ends',
    async (status) => {
      await using all = await stand();
      all.client.sendText(put);
      const peer = await all.upstream.next();
      peer.sendText(`HTTP/1.1 ${status}\r\nDate: now\r\nContent-Length: 2\r\n\r\nno`);
      expect(await all.client.head()).toBe(
        `HTTP/1.1 ${status}\r\nDate: now\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`,
      );
      await all.client.ended;
      await peer.gone;
      expect(peer.received.toString()).toBe('');
    },
  );

  test.each(['', 'Content-Length: 0\r\n'])('has nothing to wait for without a body: "%s"', async (framing) => {
    await using all = await stand();
    const post = `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n${framing}\r\n`;
    all.client.sendText(`${post}${get('/next')}`);
    const peer = await all.upstream.next();
    peer.sendText(answer('ok'));
    expect((await readAnswer(all.client)).head).not.toContain('Connection');
    // The client's connection goes on, as the answer has said.
    const next = await all.upstream.next();
    expect(next.request).toMatch(/^GET \/next /);
    next.sendText(answer('next'));
    expect((await readAnswer(all.client)).body).toBe('next');
  });

  test('is refused at once where its body is over the limit', async () => {
    await using all = await stand({ http: { maxBodyBytes: 1000, inactivityMs: 0, maxUpstreamConnections: 10 } });
    all.client.sendText(put);
    expect((await all.client.rest()).toString()).toMatch(/^HTTP\/1\.1 413 /);
    expect(all.upstream.accepted).toBe(0);
  });
});

describe('framing', () => {
  test('an answer without a body, though one is announced, is used up: what may follow is no answer', async () => {
    await using all = await stand();
    const { client, upstream } = all;
    for (const [method, head] of [
      ['HEAD', 'HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 500\r\n\r\n'],
      ['HEAD', 'HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n'],
      ['GET', 'HTTP/1.1 304 Not Modified\r\nDate: now\r\nContent-Length: 500\r\n\r\n'],
    ]) {
      client.sendText(get('/', 'X: 1').replace('GET', method!));
      const peer = await upstream.next();
      peer.sendText(head!);
      expect(await client.head()).toBe(head);
      await peer.gone;
    }
  });

  test('HEAD, 204, 304 and an empty body leave both connections usable', async () => {
    await using all = await stand();
    const { client, upstream } = all;
    client.sendText(get('/', 'X: 1').replace('GET', 'HEAD'));
    const peer = await upstream.next();
    peer.sendText('HTTP/1.1 200 OK\r\nDate: now\r\n\r\n');
    expect(await client.head()).toBe('HTTP/1.1 200 OK\r\nDate: now\r\n\r\n');
    for (const head of [
      'HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n',
      'HTTP/1.1 304 Not Modified\r\nDate: now\r\n\r\n',
      'HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n',
    ]) {
      client.sendText(get());
      await peer.head();
      peer.sendText(head);
      expect(await client.head()).toBe(head);
    }
    expect(upstream.accepted).toBe(1);
  });

  test('an answer up to the end of its connection comes in chunks, and the client goes on', async () => {
    await using all = await stand();
    const { client, upstream } = all;
    client.sendText(get());
    const peer = await upstream.next();
    peer.sendText('HTTP/1.0 200 OK\r\nDate: now\r\nServer: old\r\n\r\nhello');
    expect(await client.head()).toBe(
      'HTTP/1.1 200 OK\r\nDate: now\r\nServer: old\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    expect((await client.bytes(10)).toString()).toBe('5\r\nhello\r\n');
    peer.sendText('world!');
    expect((await client.bytes(11)).toString()).toBe('6\r\nworld!\r\n');
    peer.end();
    expect((await client.bytes(5)).toString()).toBe('0\r\n\r\n');
    await exchange(client, upstream, '/next');
  });

  test('chunks pass as they came both ways, without extensions, and without trailers of the request', async () => {
    await using all = await stand();
    const { client, upstream } = all;
    client.sendText('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n');
    client.sendText('005;a=b\r\nhello\r\n');
    const peer = await upstream.next();
    expect(headersOf(peer.request, 'Transfer-Encoding')).toEqual(['chunked']);
    expect(headersOf(peer.request, 'Trailer')).toEqual([]);
    // Some servers do not look for a body in chunks: nothing may hide in it.
    expect(headersOf(peer.request, 'Connection')).toEqual(['close']);
    expect((await peer.bytes(12)).toString()).toBe('005\r\nhello\r\n');
    client.sendText('0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n');
    expect((await peer.bytes(5)).toString()).toBe('0\r\n\r\n');
    peer.sendText('HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n');
    expect(await client.head()).toContain('Trailer: grpc-status\r\n');
    peer.sendText('A;x\r\n0123456789\r\n0\r\ngrpc-status: 0\r\nSet-Cookie: a\r\n\r\n');
    const passed = 'A\r\n0123456789\r\n0\r\ngrpc-status: 0\r\n\r\n';
    expect((await client.bytes(passed.length)).toString()).toBe(passed);
    await exchange(client, upstream, '/next');
  });

  test('each of many chunks keeps its size, whatever stood behind it, where all come with the head', async () => {
    await using all = await stand();
    const { client, upstream } = all;
    const chunks = (more: readonly string[]) =>
      `5${more[0]}\r\nhello\r\n16${more[1]}\r\n${'x'.repeat(22)}\r\n0${more[2]}\r\n\r\n`;
    client.sendText(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks([';a', ';b=c', ';d'])}`);
    const peer = await upstream.next();
    const passed = chunks(['', '', '']);
    expect((await peer.bytes(passed.length)).toString()).toBe(passed);
    peer.sendText('HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n');
    await client.head();
    await exchange(client, upstream, '/next');
  });

  test.each([
    ['with a length', 'Content-Length: 10\r\n\r\nhalf'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['in chunks that are none', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxx\r\n'],
  ])('a body %s that breaks off never looks whole', async (_name, rest) => {
    await using all = await stand();
    all.client.sendText(get());
    const peer = await all.upstream.next();
    peer.sendText(`HTTP/1.1 200 OK\r\nDate: now\r\n${rest}`);
    await all.client.head();
    if (!rest.endsWith('xx\r\n')) peer.end();
    const text = (await all.client.rest()).toString();
    expect(text.includes('0\r\n\r\n')).toBe(false);
    expect(text.length).toBeLessThan(10);
    expect(await all.gateway.logged('http_failed')).toMatchObject({ result: 'upstream_failed', status: 502 });
  });

  test.each([
    ['fast', ''],
    ['careful', '\r\n'],
  ])('all that has come of it reaches a client that reads later, and then FIN (%s lane)', async (_lane, before) => {
    await using all = await stand();
    const { client } = all;
    client.sendText(`${before}${get()}`);
    client.pause();
    // More than the client's kernel takes while nobody reads, and less than Sluice's takes.
    const size = 400_000;
    const peer = await all.upstream.next();
    peer.sendText(`HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: ${size + 1}\r\n\r\n${'x'.repeat(size)}`);
    peer.end();
    expect(await all.gateway.logged('http_failed')).toMatchObject({ result: 'upstream_failed' });
    client.resume();
    const answer = await client.rest();
    expect([answer.length - answer.indexOf('\r\n\r\n') - 4, await client.ended]).toEqual([size, 'fin']);
  });

  test('a client that takes nothing of what has come is reset, also where silence has no end', async () => {
    const timeouts = { connectMs: 0, headersMs: 0, handshakeMs: 0, closeMs: 20 };
    await using all = await stand({ timeouts, upstreamLimits: { maxBufferBytes: 1e9 } });
    const { client } = all;
    client.sendText(get());
    client.pause();
    const peer = await all.upstream.next();
    // More than the kernel takes.
    const body = Buffer.alloc(16 * 1024 * 1024);
    peer.sendText(`HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: ${body.length + 1}\r\n\r\n`);
    peer.send(body);
    peer.end();
    expect(await all.gateway.logged('http_failed')).toMatchObject({ result: 'upstream_failed' });
    const { memory } = all.gateway.gateway.sessions;
    expect(memory.budget.usedBytes).toBeGreaterThan(0);
    await expect.poll(() => memory.budget.usedBytes, { timeout: 10_000 }).toBe(0);
    client.resume();
    expect(await client.ended).toBe('reset');
  });

  test('a client that still sends its body has as long to read as behind any early answer', async () => {
    const wait = vi.spyOn(Connection.prototype, 'wait');
    onTestFinished(() => wait.mockRestore());
    await using all = await stand();
    all.client.sendText('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegun');
    const peer = await all.upstream.next();
    peer.sendText('HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 10\r\n\r\nhalf');
    peer.end();
    expect((await all.client.rest()).toString()).toMatch(/half$/);
    expect(wait).toHaveBeenLastCalledWith('end', 10_000);
  });

  test.each([
    ['an answer', get(), '200 OK'],
    ['a refusal of what has no body', get(), '404 Not Found'],
    ['an answer to a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx', '200 OK'],
  ])('a reset within %s up to the end of the connection never looks whole', async (_name, request, status) => {
    await using all = await stand();
    all.client.sendText(request);
    const peer = await all.upstream.next();
    peer.sendText(`HTTP/1.1 ${status}\r\nDate: now\r\n\r\nhalf`);
    await all.client.head();
    await all.client.bytes(9);
    peer.reset();
    expect((await all.client.rest()).toString()).toBe('');
  });

  test.each([
    ['is not HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['has a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['has no end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`],
    ['has too many lines', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(300)}\r\n`],
  ])('an answer that %s gives 502, and the client goes on', async (_name, text) => {
    await using all = await stand();
    all.client.sendText(get());
    const peer = await all.upstream.next();
    peer.sendText(text);
    const { head } = await readAnswer(all.client);
    expect(head).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    await peer.gone;
    expect(await all.gateway.logged('http_failed')).toMatchObject({ result: 'upstream_failed' });
    expect(counts(all.counters.upstreamErrors)).toEqual({ bad_response: 1 });
    await exchange(all.client, all.upstream, '/next');
  });

  test('what an upstream sends behind its answer reaches nobody', async () => {
    await using all = await stand();
    all.client.sendText(get('/a'));
    const peer = await all.upstream.next();
    peer.sendText(`${answer('ok')}${answer('poison')}`);
    expect((await readAnswer(all.client)).body).toBe('ok');
    await peer.gone;
    all.client.sendText(get('/b'));
    (await all.upstream.next()).sendText(answer('good'));
    expect((await readAnswer(all.client)).body).toBe('good');
  });

  test('what an upstream sends while its connection rests reaches nobody', async () => {
    await using all = await stand();
    const peer = await exchange(all.client, all.upstream, '/a');
    peer.sendText(answer('poison'));
    await peer.gone;
    await exchange(all.client, all.upstream, '/b');
  });
});

describe('http.max_body_size', () => {
  const limited = { http: { maxBodyBytes: 10, inactivityMs: 0, maxUpstreamConnections: 10 } };

  test('admits exactly that, declared and in chunks', async () => {
    await using all = await stand(limited);
    for (const body of [
      'Content-Length: 10\r\n\r\n0123456789',
      'Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n',
    ]) {
      all.client.sendText(`POST / HTTP/1.1\r\nHost: a\r\n${body}`);
      const peer = await all.upstream.next();
      await peer.bytes(10);
      peer.sendText(answer('ok', 'Connection: close'));
      expect((await readAnswer(all.client)).body).toBe('ok');
    }
  });

  test('refuses a byte more at the head, and reads on so that the client sees it', async () => {
    await using all = await stand(limited);
    all.client.sendText('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n');
    const { head } = await readAnswer(all.client);
    expect(head).toMatch(/^HTTP\/1\.1 413 /);
    all.client.sendText('01234567890');
    expect(await all.client.ended).toBe('fin');
    expect(all.upstream.accepted).toBe(0);
    expect(await all.gateway.logged('http_failed')).toMatchObject({
      limit: { name: 'http.max_body_size', configured: 10, observed: 11 },
    });
    expect(counts(all.counters.client.violations)).toEqual({ 'http.max_body_size|reject': 1 });
    expect(counts(all.counters.httpRequests)).toEqual({ 'POST|4xx': 1 });
  });

  test('refuses the chunk that crosses it, resets the upstream, and reads on', async () => {
    await using all = await stand(limited);
    all.client.sendText('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n');
    const peer = await all.upstream.next();
    await peer.bytes(11);
    all.client.sendText('5\r\n67890\r\n');
    expect((await readAnswer(all.client)).head).toMatch(/^HTTP\/1\.1 413 /);
    expect(await peer.ended).toBe('reset');
    expect(peer.received.toString()).toBe('');
    all.client.sendText('0\r\n\r\n');
    expect(await all.client.ended).toBe('fin');
  });
});

describe('one request at a time', () => {
  test('the next head is read when the answer is complete', async () => {
    await using all = await stand();
    all.client.sendText(get('/a') + get('/b') + get('/c'));
    const peer = await all.upstream.next();
    expect(peer.request).toMatch(/^GET \/a /);
    expect(all.upstream.accepted).toBe(1);
    peer.sendText('HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 4\r\n\r\nab');
    await all.client.head();
    peer.sendText('cd');
    expect((await all.client.bytes(4)).toString()).toBe('abcd');
    for (const path of ['/b', '/c']) {
      expect(await peer.head()).toMatch(new RegExp(`^GET ${path} `));
      peer.sendText(answer(path));
      expect((await readAnswer(all.client)).body).toBe(path);
    }
  });

  test('a client that says close gets no other answer', async () => {
    await using all = await stand();
    all.client.sendText(get('/a', 'Connection: close') + get('/b'));
    (await all.upstream.next()).sendText(answer('ok'));
    const text = (await all.client.rest()).toString();
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).toContain('Connection: close\r\n');
    expect(all.upstream.accepted).toBe(1);
  });

  test.each(['GET', 'POST', 'PUT', 'DELETE'])('the body of a %s never becomes a request', async (method) => {
    await using all = await stand();
    const hidden = get('/hidden');
    all.client.sendText(`${method} /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`);
    const peer = await all.upstream.next();
    expect(headersOf(peer.request, 'Connection')).toEqual(['close']);
    peer.sendText(answer('ok'));
    expect((await readAnswer(all.client)).body).toBe('ok');
    await peer.gone;
    await exchange(all.client, all.upstream, '/b');
  });
});

describe('an upstream that closes idle connections', () => {
  test('in the moment of a GET gets it once more, on a new connection', async () => {
    await using all = await stand();
    const first = await exchange(all.client, all.upstream, '/a');
    all.client.sendText(get('/b'));
    expect(await first.head()).toMatch(/^GET \/b /);
    first.reset();
    const second = await all.upstream.next();
    expect(second.request).toMatch(/^GET \/b /);
    second.sendText(answer('again'));
    expect((await readAnswer(all.client)).body).toBe('again');
    expect(all.gateway.log.filter(({ event }) => event === 'http_failed')).toEqual([]);
  });

  test.each([
    ['POST', 'x'],
    ['POST', ''],
    ['PATCH', ''],
    ['PUT', 'x'],
    ['DELETE', 'x'],
  ])('never meets a %s with the body "%s", which comes once, on a new connection', async (method, body) => {
    await using all = await stand();
    const first = await exchange(all.client, all.upstream, '/a');
    all.client.sendText(`${method} /b HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const second = await all.upstream.next();
    expect(second.request).toMatch(`${method} /b `);
    expect(headersOf(second.request, 'Connection')).toEqual(['close']);
    second.reset();
    expect((await readAnswer(all.client)).head).toMatch(/^HTTP\/1\.1 502 /);
    expect([first.received.toString(), all.upstream.accepted]).toEqual(['', 2]);
  });

  test('and has begun to answer is not asked again', async () => {
    await using all = await stand();
    const first = await exchange(all.client, all.upstream, '/a');
    all.client.sendText(get('/b'));
    await first.head();
    first.sendText('HTTP/1.1 200');
    first.end();
    expect((await readAnswer(all.client)).head).toMatch(/^HTTP\/1\.1 502 /);
    expect(all.upstream.accepted).toBe(1);
  });
});

describe('a client that leaves', () => {
  const phases: Record<string, (client: Peer, upstream: FakeUpstream) => Promise<UpstreamPeer>> = {
    'before the answer': async (client, upstream) => {
      client.sendText(get());
      return upstream.next();
    },
    'within its upload': async (client, upstream) => {
      client.sendText('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
      const peer = await upstream.next();
      await peer.bytes(4);
      return peer;
    },
    'within the answer': async (client, upstream) => {
      client.sendText(get());
      const peer = await upstream.next();
      peer.sendText('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      await client.head();
      return peer;
    },
    'while it waits to be told to go on': async (client, upstream) => {
      client.sendText('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n');
      return upstream.next();
    },
  };
  describe.each(Object.entries(phases))('%s', (_name, begin) => {
    test.each(['end', 'reset'] as const)('by %s is noticed by the backend at once', async (how) => {
      await using all = await stand();
      const peer = await begin(all.client, all.upstream);
      all.client[how]();
      await peer.gone;
      expect(all.gateway.gateway.sessions.memory.budget.usedBytes).toBe(0);
      expect(all.counters.httpRequests.total).toBe(1);
      expect(all.gateway.log.filter(({ event }) => event === 'http_failed')).toEqual([]);
    });
  });
});

describe('receivers that lag behind', () => {
  test('a client that does not read makes the upstream wait, and gets every byte', async () => {
    await using all = await stand();
    const size = 64 * 1024 * 1024;
    all.client.sendText(get());
    all.client.pause();
    const peer = await all.upstream.next();
    const head = `HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: ${size}\r\n\r\n`;
    peer.sendText(head);
    const chunk = Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => i % 251));
    let sent = 0;
    const sending = (async () => {
      for (; sent < size; sent += chunk.length) if (!peer.socket.write(chunk)) await once(peer.socket, 'drain');
    })();
    const { budget } = all.gateway.gateway.sessions.memory;
    await expect.poll(() => budget.usedBytes).toBeGreaterThan(100_000);
    await expect.poll(() => stable(() => sent)).toBe(true);
    expect(sent).toBeLessThan(size / 2);
    expect(budget.usedBytes).toBeLessThan(2 * 1024 * 1024);
    const read = reading(all.client, chunk, size + head.length, head);
    all.client.resume();
    await Promise.all([read, sending]);
    await expect.poll(() => budget.usedBytes).toBe(0);
  });

  test('an upstream that does not read makes the client wait, and gets every byte', async () => {
    await using all = await stand();
    const size = 64 * 1024 * 1024;
    all.client.sendText(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    const peer = await all.upstream.next();
    peer.pause();
    const { socket } = all.client;
    const chunk = Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => i % 251));
    let sent = 0;
    const sending = (async () => {
      for (; sent < size; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain');
    })();
    const { budget } = all.gateway.gateway.sessions.memory;
    await expect.poll(() => budget.usedBytes).toBeGreaterThan(100_000);
    await expect.poll(() => stable(() => sent)).toBe(true);
    expect(sent).toBeLessThan(size / 2);
    const read = reading(peer, chunk, size);
    peer.resume();
    await Promise.all([read, sending]);
    peer.sendText(answer('ok'));
    expect((await readAnswer(all.client)).body).toBe('ok');
    await expect.poll(() => budget.usedBytes).toBe(0);
  });

  /** Reads `size` bytes, of which those behind `head` repeat a pattern. */
  async function reading(peer: Peer, pattern: Buffer, size: number, head = ''): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let at = -head.length;
    const take = (chunk: Buffer) => {
      for (let from = Math.max(0, -at); from < chunk.length; ) {
        const place = (at + from) % pattern.length;
        const part = chunk.subarray(from, from + pattern.length - place);
        if (!part.equals(pattern.subarray(place, place + part.length)))
          reject(new Error(`other bytes at ${at + from}`));
        from += part.length;
      }
      at += chunk.length;
      if (at + head.length === size) resolve();
    };
    const { received } = peer;
    peer.socket.removeAllListeners('data').on('data', take);
    take(received);
    await promise;
  }

  /** Whether a number stays the same for a while: nobody tells when somebody has stopped. */
  async function stable(read: () => number): Promise<boolean> {
    const before = read();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return before === read();
  }
});

test('of more downloads than a round of the event loop can do each arrives whole, whether its client reads at once or later', async () => {
  await using all = await stand();
  const size = 2_000_000;
  const count = 90;
  const bodyOf = (number: number) => Buffer.alloc(size, number);
  const clients = await Promise.all(Array.from({ length: count }, () => rawConnect(all.gateway.port)));
  const late = clients.filter((_, i) => i % 10 === 0);
  for (const client of late) client.pause();
  clients.forEach((client, i) => {
    client.sendText(get(`/${i}`));
  });
  // While buffers are full nobody new is let in.
  const peers: UpstreamPeer[] = [];
  while (peers.length < count) peers.push(await all.upstream.next());
  for (const peer of peers) {
    const number = Number(/^GET \/(\d+) /.exec(peer.request)![1]);
    peer.sendText(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\nDate: now\r\n\r\n`);
    peer.send(bodyOf(number));
  }
  const whole = async (client: Peer, number: number) => {
    await client.head();
    return (await client.bytes(size)).equals(bodyOf(number));
  };
  const results = clients.map(whole);
  await Promise.all(results.filter((_, i) => i % 10 !== 0));
  for (const client of late) client.resume();
  expect(await Promise.all(results)).toEqual(Array.from({ length: count }, () => true));
  for (const client of clients) client.socket.destroy();
  await expect.poll(() => all.gateway.gateway.sessions.memory.budget.usedBytes).toBe(0);
});

describe('silence', () => {
  const quick = { http: { maxBodyBytes: 1000, inactivityMs: 300, maxUpstreamConnections: 10 } };

  test('before the answer is 504', async () => {
    await using all = await stand(quick);
    all.client.sendText(get());
    const peer = await all.upstream.next();
    expect((await readAnswer(all.client)).head).toMatch(/^HTTP\/1\.1 504 /);
    await peer.gone;
    expect(counts(all.counters.upstreamErrors)).toEqual({ response_timeout: 1 });
    expect(await all.gateway.logged('http_failed')).toMatchObject({ result: 'upstream_timeout' });
  });

  test('within the answer ends the connection', async () => {
    await using all = await stand(quick);
    all.client.sendText(get());
    (await all.upstream.next()).sendText('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    await all.client.head();
    expect((await all.client.rest()).toString()).toBe('half');
  });
});

test.each([
  ['HTTP/1.0', 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n'],
  ['a blank line before the request', '\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['an unknown method', 'PROPFIND /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ['an absolute target', 'GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
])('%s is served by the careful lane, in whatever pieces it comes', async (_name, text) => {
  await using all = await stand();
  for (const at of [text.length, 1, 7]) {
    const client = await rawConnect(all.gateway.port);
    client.sendText(text.slice(0, at));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.sendText(text.slice(at));
    const peer = await all.upstream.next();
    expect(peer.request).toMatch(/^\w+ \/x HTTP\/1\.1\r\n/);
    peer.sendText(answer('careful', 'Connection: close'));
    expect((await client.rest()).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*careful$/);
  }
});

test('after all this the gateway holds nothing', async () => {
  await using all: { gateway: TestGateway; client: Peer; upstream: FakeUpstream } & AsyncDisposable = await stand();
  await exchange(all.client, all.upstream, '/');
  expect(all.gateway.gateway.sessions.memory.budget.usedBytes).toBe(0);
});
