/**
 * A stranger at a route with `auth`: every form of request that might go round it, and every way to pass for another.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { type FakeUpstream, fakeUpstream, headersOf } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';

const users = join(mkdtempSync(join(tmpdir(), 'attacks-')), 'users');
writeFileSync(users, `ann:${hashSync('hunter2', 4)}\n`);
const good = `Authorization: Basic ${Buffer.from('ann:hunter2').toString('base64')}`;
const ok = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

/** `/secret` asks for credentials, and everything else is open to all. */
function start(secret: FakeUpstream, open: FakeUpstream): Promise<TestGateway> {
  return startGatewayOf(`
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
routes:
  - name: secret
    match: {path: /secret}
    upstream: http://127.0.0.1:${secret.port}
    auth: [{basic: {file: ${users}}}]
    identity_headers: {user: X-User, groups: X-Groups}
  - name: open
    upstream: http://127.0.0.1:${open.port}
`);
}

const message = (first: string, ...lines: string[]) => [first, ...lines, '', ''].join('\r\n');
const host = 'Host: gateway.test';

/** All that comes back, until the connection ends. */
async function tell(port: number, text: string): Promise<string> {
  const client = await rawConnect(port);
  client.sendText(text);
  client.socket.end();
  const all = (await client.rest()).toString('latin1');
  client.socket.destroy();
  return all;
}

describe('without credentials nothing reaches the backend', () => {
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const handshake = [...upgrade, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
  test.each<[string, string]>([
    ...['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'TRACE', 'PROPFIND', 'get'].map(
      (method): [string, string] => [method, message(`${method} /secret HTTP/1.1`, host, 'Content-Length: 0')],
    ),
    ['HTTP/1.0', message('GET /secret HTTP/1.0', host)],
    ['HTTP/1.0 without a host', message('GET /secret HTTP/1.0')],
    ['an absolute target', message('GET http://gateway.test/secret HTTP/1.1', host)],
    ['an absolute target elsewhere', message('GET http://other.test/secret HTTP/1.1', host)],
    [
      'a preflight',
      message(
        'OPTIONS /secret HTTP/1.1',
        host,
        'Origin: https://evil.test',
        'Access-Control-Request-Method: GET',
        'Access-Control-Request-Headers: authorization',
      ),
    ],
    ['a handshake', message('GET /secret HTTP/1.1', host, ...handshake)],
    ['a handshake without a key', message('GET /secret HTTP/1.1', host, ...upgrade)],
    ['a handshake by POST', message('POST /secret HTTP/1.1', host, ...handshake, 'Content-Length: 0')],
    ['an absolute handshake', message('GET http://gateway.test/secret HTTP/1.1', host, ...handshake)],
    [
      'h2c',
      message(
        'GET /secret HTTP/1.1',
        host,
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ),
    ],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['CONNECT', message('CONNECT gateway.test:80 HTTP/1.1', host)],
    ['credentials behind the request', message('GET /secret HTTP/1.1', host) + message(`X: ${good}`)],
    [
      'credentials in a trailer',
      `${message('POST /secret HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Trailer: Authorization')}0\r\n${good}\r\n\r\n`,
    ],
    ['credentials on a folded line', message('GET /secret HTTP/1.1', host, 'X: 1', ` ${good}`)],
    ['credentials with a space before the colon', message('GET /secret HTTP/1.1', host, good.replace(':', ' :'))],
    [
      'credentials under another spelling',
      message('GET /secret HTTP/1.1', host, good.replace('Authorization', 'Authoriza_tion')),
    ],
    ['two passwords', message('GET /secret HTTP/1.1', host, good, good.replace('Basic', 'BASIC'))],
    [
      'names that say who it is',
      message('GET /secret HTTP/1.1', host, 'X-User: ann', 'X-Forwarded-User: ann', 'Remote-User: ann'),
    ],
    ...[
      '/%73ecret',
      '/x/../secret',
      '/x/..%2fsecret',
      '//secret',
      '/secret;x',
      '/secret%00',
      '/./secret',
      '/secret/',
      '/x\\..\\secret',
    ].map((path): [string, string] => [path, message(`GET ${path} HTTP/1.1`, host)]),
  ])('%s', async (_, text) => {
    await using secret = await fakeUpstream({ answer: ok });
    await using open = await fakeUpstream({ answer: ok });
    await using sluice = await start(secret, open);
    const answer = await tell(sluice.port, text);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d |^HTTP\/1\.1 501 /);
    expect(answer).not.toMatch(/access-control-allow/i);
    expect([secret.accepted, open.accepted]).toEqual([0, 0]);
  });

  test('a request to an open route before it, on the same connection, opens nothing', async () => {
    await using secret = await fakeUpstream({ answer: ok });
    await using open = await fakeUpstream({ answer: ok });
    await using sluice = await start(secret, open);
    const client = await rawConnect(sluice.port);
    // It stays for its answers: who says goodbye while an upstream is asked has left.
    client.sendText(
      message('GET /open HTTP/1.1', host, good) + message('GET /secret HTTP/1.1', host, 'Connection: close'),
    );
    const answers = (await client.rest()).toString('latin1');
    expect(answers.match(/HTTP\/1\.1 \d\d\d/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401']);
    expect([secret.accepted, open.accepted]).toEqual([0, 1]);
  });
});

describe('nobody says who somebody else is', () => {
  const names = ['X-User', 'x-user', 'X_User', 'X.USER', 'X-Groups', 'x_groups', 'X-Forwarded-User', 'Remote-User'];
  const claims = names.map((name) => `${name}: root`);
  const absolute = (text: string) => text.replace(' /secret ', ' http://gateway.test/secret ');
  const plain = message('GET /secret HTTP/1.1', host, good, ...claims, 'Connection: X-User, close');
  const switching = handshakeRequest({ path: '/secret' }).replace(
    '\r\n\r\n',
    `\r\n${[good, ...claims].join('\r\n')}\r\n\r\n`,
  );
  test.each([
    ['plain HTTP in the fast lane', plain, ok],
    ['plain HTTP in the careful lane', absolute(plain), ok],
    ['HTTP/1.0', plain.replace('HTTP/1.1', 'HTTP/1.0'), ok],
    ['a handshake in the fast lane', switching, undefined],
    ['a handshake in the careful lane', absolute(switching), undefined],
    [
      'trailers',
      `${message('POST /secret HTTP/1.1', host, good, 'Connection: close', 'Transfer-Encoding: chunked', 'Trailer: X-User')}0\r\nX-User: root\r\nX_User: root\r\n\r\n`,
      ok,
    ],
  ] as const)('by %s', async (_, text, answer) => {
    await using secret = await fakeUpstream({ answer });
    await using open = await fakeUpstream({ answer: ok });
    await using sluice = await start(secret, open);
    const client = await rawConnect(sluice.port);
    client.sendText(text);
    expect(await client.head()).toMatch(answer ? / 200 / : / 101 /);
    const { request } = await secret.next();
    expect(headersOf(request, 'X-User')).toEqual(['ann']);
    expect(request).not.toMatch(/root|hunter2|YW5u/);
    client.socket.destroy();
  });
});
