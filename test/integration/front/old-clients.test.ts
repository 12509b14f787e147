/**
 * What few clients send and backends understand: HTTP/1.0 without a Host, `OPTIONS *`, and bytes beyond ASCII in a
 * target.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { fakeUpstream, headerOf, switching } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway, type TestGateway } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Sends a text in pieces of so many bytes; returns the answer. */
async function ask({ port }: TestGateway, text: string, size = text.length) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  socket.setNoDelay();
  for (let at = 0; at < text.length; at += size) {
    socket.write(text.slice(at, at + size), 'latin1');
    if (size < text.length) await new Promise(setImmediate);
  }
  return new HttpReader(socket).message('response', text.startsWith('HEAD'));
}

test.each(['GET / HTTP/1.0\r\n\r\n', 'OPTIONS / HTTP/1.0\r\n\r\n', 'HEAD /a?b HTTP/1.0\r\nX-A: b\r\n\r\n'])(
  '%j without a Host goes to the route of every host, and nobody invents one for it',
  async (text) => {
    await using upstream = await fakeUpstream({ answer: () => ok });
    await using gateway = await startGateway({
      routes: [routeTo(1, { name: 'theirs', hosts: ['*.example.org'] }), routeTo(upstream, { name: 'all' })],
    });
    const reply = await ask(gateway, text);
    expect(reply.startLine).toMatch(/^HTTP\/1\.1 200 /);
    const { request } = await upstream.next();
    expect(request.split(' ', 2)).toEqual(text.split(' ', 2));
    expect(headerOf(request, 'Host')).toBe(`127.0.0.1:${upstream.port}`);
    expect(headerOf(request, 'X-Forwarded-Host')).toBe(undefined);
    expect(headerOf(request, 'X-Forwarded-For')).toBe('127.0.0.1');
  },
);

test.each([
  ['GET / HTTP/1.0\r\n\r\n', 404, 'no_route'],
  ['GET / HTTP/1.1\r\n\r\n', 400, 'bad_request'],
  ['GET / HTTP/1.0\r\nHost: a.example.org\r\nHost: a.example.org\r\n\r\n', 400, 'bad_request'],
])('%j reaches no route that wants a host', async (text, status, result) => {
  await using upstream = await fakeUpstream({ answer: () => ok });
  await using gateway = await startGateway({ routes: [routeTo(upstream, { hosts: ['*.example.org'] })] });
  expect((await ask(gateway, text)).startLine).toContain(` ${status} `);
  expect(await gateway.logged('refused')).toMatchObject({ result });
  expect(upstream.accepted).toBe(0);
});

test('OPTIONS * goes to where the root leads, as it is; no other method has such a target', async () => {
  await using upstream = await fakeUpstream({ answer: () => ok });
  await using gateway = await startGateway({
    routes: [routeTo(upstream, { name: 'root', path: '/' }), routeTo(1, { name: 'other', path: '/other' })],
  });
  expect((await ask(gateway, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')).startLine).toContain(' 200 ');
  expect((await upstream.next()).request).toMatch(/^OPTIONS \* HTTP\/1\.1\r\nHost: a\r\n/);
  expect((await ask(gateway, 'GET * HTTP/1.1\r\nHost: a\r\n\r\n')).startLine).toContain(' 400 ');
});

test('OPTIONS * without a route for the root leads nowhere', async () => {
  await using gateway = await startGateway({
    routes: [routeTo(1, { name: 'a', path: '/a' }), routeTo(1, { name: 'b', path: '/b' })],
  });
  expect((await ask(gateway, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')).startLine).toContain(' 404 ');
});

test.each([1, 2, 3, 1000])('bytes beyond ASCII in a target go on as they came, read %i at a time', async (size) => {
  await using upstream = await fakeUpstream({
    answer: (request) => (/^Upgrade/m.test(request) ? switching(request) : ok),
  });
  await using gateway = await startGateway({
    routes: [routeTo(upstream, { name: 'app', path: '/caf%C3%A9' }), routeTo(1, { name: 'other', path: '/cafe' })],
  });
  const target = '/caf\xc3\xa9/%C3%A9|"?q=\xff\x80&r=%ff';
  const lines = ['Host: a', 'X-A: \xe9'];
  const reply = await ask(gateway, [`GET ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n'), size);
  expect(reply.startLine).toContain(' 200 ');
  expect((await upstream.next()).request.split('\r\n', 3)).toEqual([`GET ${target} HTTP/1.1`, ...lines]);

  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const opened = await ask(gateway, [`GET ${target} HTTP/1.1`, ...lines, ...upgrade, key, '', ''].join('\r\n'), size);
  expect(opened.startLine).toContain(' 101 ');
  expect((await upstream.next()).request.split('\r\n', 1)).toEqual([`GET ${target} HTTP/1.1`]);
  expect(await gateway.logged('open')).toMatchObject({ route: 'app' });
});

test.each(['/..\xc0\xafother', '/a\xe9/%2e%2e/other', '/\xe9/../other'])(
  'a path such as %j that could be for another route is still refused',
  async (target) => {
    await using gateway = await startGateway({
      routes: [routeTo(1, { name: 'root', path: '/' }), routeTo(1, { name: 'other', path: '/other' })],
    });
    const reply = await ask(gateway, `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    // One overlong sequence is no slash to anybody; the others have two readings.
    expect(reply.startLine).toContain(target.includes('\xc0') ? ' 502 ' : ' 400 ');
  },
);

test.each([
  'G\xc9T / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET / HTTP/1.\xb9\r\nHost: a\r\n\r\n',
  'GET http://a\xe9/ HTTP/1.1\r\nHost: a\r\n\r\n',
  '\xe9\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n',
])('%j is no request', async (text) => {
  await using upstream = await fakeUpstream({ answer: () => ok });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  expect((await ask(gateway, text)).startLine).toContain(' 400 ');
  expect(upstream.accepted).toBe(0);
});

test('HTTP/1.0 hears of no 100, whatever it expects', async () => {
  await using upstream = await fakeUpstream({ answer: () => ok });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const reply = await ask(gateway, 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi');
  expect(reply.startLine).toBe('HTTP/1.1 200 OK');
});
