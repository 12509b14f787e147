/** Authentication through a whole gateway: what is let in, what is told to whom, and what ends later. */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/model/load.ts';
import { type FakeUpstream, fakeUpstream, headerOf, headersOf, switching } from '../../helpers/fake-upstream.ts';
import { clientFrame, frame } from '../../helpers/frames.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawClient, rawConnect } from '../../helpers/raw-client.ts';
import { confusedToken, newSigner, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-auth-'));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const token = 'static-token-0123456789';
const tokens = file('tokens', `ci:sha256:${createHash('sha256').update(token).digest('hex')}\n`);
const users = file('users', `ann:${hashSync('hunter2', 4)}\nbob:${hashSync('pass', 4)}\n`);
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

const servers: { close(): void }[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
  return (server.address() as AddressInfo).port;
}

interface Stand extends AsyncDisposable {
  readonly upstream: FakeUpstream;
  readonly gateway: TestGateway;
  /** With another beginning of the file. */
  reload(top: string): void;
  /** The same, once its files have been read, as the program does it. */
  prepareAndReload(top: string): Promise<void>;
}

async function stand(
  auth: string,
  more = '',
  top = '',
  answer: (() => string | null) | undefined = undefined,
): Promise<Stand> {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await fakeUpstream({ answer }));
  const textWith = (top: string) => `
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
${top}
routes:
  - name: test
    upstream: http://127.0.0.1:${upstream.port}
    auth: ${auth}
    ${more}
`;
  const gateway = stack.use(await startGatewayOf(textWith(top)));
  const reload = (other: string) => void gateway.gateway.reload(loadConfig('sluice.yaml', textWith(other)));
  const prepareAndReload = async (other: string) =>
    void gateway.gateway.reload(await gateway.gateway.prepare(loadConfig('sluice.yaml', textWith(other))));
  return { upstream, gateway, reload, prepareAndReload, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const ok = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const request = (lines: readonly string[], target = '/', version = '1.1') =>
  [`GET ${target} HTTP/${version}`, 'Host: gateway.test', ...lines, '', ''].join('\r\n');

/** The head of the answer to a request. */
async function ask(port: number, text: string): Promise<string> {
  const client = await rawConnect(port);
  client.sendText(text);
  const head = await client.head();
  client.socket.destroy();
  return head;
}

/** Both lanes: the second is where what is not of the strict form goes. */
const lanes = [
  ['fast', '1.1'],
  ['careful', '1.0'],
] as const;

describe.each(lanes)('plain HTTP in the %s lane', (_, version) => {
  test('without credentials is asked for them, and with wrong ones refused', async () => {
    await using all = await stand(`[{bearer: {file: ${tokens}}}, {basic: {file: ${users}}}]`);
    const bare = await ask(all.gateway.port, request([], '/', version));
    expect(bare).toMatch(/^HTTP\/1\.1 401 /);
    expect(headersOf(bare, 'WWW-Authenticate')).toEqual(['Bearer', 'Basic realm="Sluice", charset="UTF-8"']);
    for (const wrong of ['Bearer nobodys', basic('ann:wrong'), basic('eve:hunter2')]) {
      expect(await ask(all.gateway.port, request([`Authorization: ${wrong}`], '/', version))).toMatch(
        /^HTTP\/1\.1 401 /,
      );
    }
    expect(all.upstream.accepted).toBe(0);
    const metrics = await all.gateway.metrics();
    expect(metrics).toContain('sluice_auth_total{route="test",kind="none",result="no_credentials"} 1');
    expect(metrics).toContain('sluice_auth_total{route="test",kind="basic",result="unknown"} 2');
    expect(metrics).toContain('sluice_handshakes_total{route="test",result="unauthenticated"} 4');
    expect(JSON.stringify(all.gateway.log)).not.toMatch(/hunter2|nobodys/);
  });

  test('goes on without its credentials, and with the name of its user', async () => {
    const more = 'identity_headers: {user: X-User}';
    await using all = await stand(`[{basic: {file: ${users}}}]`, more, '', ok);
    const lines = [`Authorization: ${basic('ann:hunter2')}`, 'X_USER: root', 'x-user: root', 'X-Other: 1'];
    expect(await ask(all.gateway.port, request(lines, '/p?q', version))).toMatch(/^HTTP\/1\.1 200 /);
    const { request: seen } = await all.upstream.next();
    expect(seen).toContain('/p?q HTTP/1.1\r\n');
    expect(headersOf(seen, 'X-User')).toEqual(['ann']);
    expect(seen).not.toMatch(/authorization|root/i);
    expect(headerOf(seen, 'X-Other')).toBe('1');
  });

  test('loses a token in the query and a cookie, and nothing else', async () => {
    const signer = newSigner('one');
    const keys = file('keys', setText(signer));
    const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}, from: [{query: t}, {cookie: c}]}}`;
    await using all = await stand(`[${jwt}]`, '', '', ok);
    const good = tokenOf(signer, { exp: Math.floor(Date.now() / 1000) + 60 });
    const target = `/p?a=1&t=${good}&b=2`;
    expect(await ask(all.gateway.port, request([`Cookie: x=1; c=${good}`], target, version))).toMatch(/ 200 /);
    const { request: seen } = await all.upstream.next();
    expect(seen).toContain('/p?a=1&b=2 HTTP/1.1\r\n');
    expect(headerOf(seen, 'Cookie')).toBe('x=1');
    expect(JSON.stringify(all.gateway.log)).not.toContain(good.slice(-20));
  });
});

describe('a handshake', () => {
  test('is refused without credentials, and opens with them under the name of its user', async () => {
    await using all = await stand(`[{basic: {file: ${users}}}]`, 'identity_headers: {user: X-User}');
    expect(await ask(all.gateway.port, handshakeRequest())).toMatch(/^HTTP\/1\.1 401 /);
    const client = await rawClient(all.gateway.port, { headers: { Authorization: basic('ann:hunter2') } });
    const { request: seen } = await all.upstream.next();
    expect(headersOf(seen, 'X-User')).toEqual(['ann']);
    expect(headerOf(seen, 'Authorization')).toBeUndefined();
    expect(await all.gateway.logged('open')).toMatchObject({ user: 'ann' });
    const listed = await fetch(`http://127.0.0.1:${all.gateway.adminPort}/api/connections`);
    expect(await listed.json()).toMatchObject({ connections: [{ user: 'ann' }] });
    client.socket.destroy();
  });

  test('shows operators how its user signed in, the groups, and when it ends', async () => {
    const signer = newSigner('one');
    const keys = file('keys-shown', setText(signer));
    await using all = await stand(`[{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}}}]`);
    const exp = Math.floor(Date.now() / 1000) + 600;
    const good = tokenOf(signer, { exp, groups: ['staff', 'admins'] });
    const client = await rawClient(all.gateway.port, { headers: { Authorization: `Bearer ${good}` } });
    const { conn_id } = await all.gateway.logged('open');
    const shown = await fetch(`http://127.0.0.1:${all.gateway.adminPort}/api/connections/${conn_id}`);
    expect(await shown.json()).toMatchObject({
      user: 'ann',
      signed_in: { kind: 'jwt', groups: ['staff', 'admins'], expires_at: new Date(exp * 1000).toISOString() },
    });
    client.socket.destroy();
  });

  test('goes on without the subprotocols that carried its token', async () => {
    const signer = newSigner('one');
    const keys = file('keys-2', setText(signer));
    const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}, from: [subprotocol]}}`;
    await using all = await stand(`[${jwt}]`);
    const good = tokenOf(signer, { exp: Math.floor(Date.now() / 1000) + 60 });
    const offered = { 'Sec-WebSocket-Protocol': `access_token, ${good}, v4.channel.k8s.io` };
    const client = await rawClient(all.gateway.port, { headers: offered });
    const { request: seen } = await all.upstream.next();
    expect(headersOf(seen, 'Sec-WebSocket-Protocol')).toEqual(['v4.channel.k8s.io']);
    const confused = { 'Sec-WebSocket-Protocol': `access_token, ${confusedToken(signer)}` };
    expect(await ask(all.gateway.port, handshakeRequest({ headers: confused }))).toMatch(/^HTTP\/1\.1 401 /);
    client.socket.destroy();
  });
});

describe('life after the handshake', () => {
  test('ends with the token', async () => {
    const signer = newSigner('one');
    const keys = file('keys-3', setText(signer));
    const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}, leeway: off}}`;
    await using all = await stand(`[${jwt}]`);
    const brief = tokenOf(signer, { exp: Math.floor(Date.now() / 1000) + 2 });
    const client = await rawClient(all.gateway.port, { headers: { Authorization: `Bearer ${brief}` } });
    const { payload } = await client.frame();
    expect(payload.readUInt16BE(0)).toBe(1008);
    expect(payload.subarray(2).toString()).toContain('expired');
    client.socket.destroy();
    (await all.upstream.next()).socket.destroy();
    expect(await all.gateway.logged('end')).toMatchObject({ reason: 'expired', user: 'ann' });
  });

  test('those shut out stay so while another list is named that cannot be read, and until it has been', async () => {
    const [list, next] = [file('revoked-a', 'ann\n'), join(folder, 'revoked-b')];
    await using all = await stand(`[{basic: {file: ${users}}}]`, '', `revoked_users: ${list}`);
    const headers = { Authorization: basic('ann:hunter2') };
    const asAnn = () => ask(all.gateway.port, handshakeRequest({ headers }));
    expect(await asAnn()).toMatch(/^HTTP\/1\.1 403 /);
    all.reload(`revoked_users: ${next}`);
    expect(await asAnn()).toMatch(/^HTTP\/1\.1 403 /);
    await all.gateway.logged('auth_file_rejected');
    expect(await all.gateway.metrics()).toContain('\nsluice_files_rejected 1\n');
    expect(await asAnn()).toMatch(/^HTTP\/1\.1 403 /);
    writeFileSync(next, 'bob\n');
    await all.gateway.logged('auth_file_loaded', { file: next });
    expect(await all.gateway.metrics()).toContain('\nsluice_files_rejected 0\n');
    expect(await asAnn()).toMatch(/^HTTP\/1\.1 101 /);
    all.reload('');
    expect(await ask(all.gateway.port, handshakeRequest({ headers: { Authorization: basic('bob:pass') } }))).toMatch(
      /^HTTP\/1\.1 101 /,
    );
  });

  test('ends when the user is put into the list of those shut out, who then stays out', async () => {
    const list = file('revoked', '# nobody\n');
    const more = 'identity_headers: {user: X-User}';
    await using all = await stand(`[{basic: {file: ${users}}}]`, more, `revoked_users: ${list}`);
    const headers = { Authorization: basic('ann:hunter2') };
    const [client, other] = await Promise.all([
      rawClient(all.gateway.port, { headers }),
      rawClient(all.gateway.port, { headers: { Authorization: basic('bob:pass') } }),
    ]);
    writeFileSync(list, 'ann\n');
    expect(await client.closeFrame()).toEqual({ code: 1008, reason: 'this user may not come in any more' });
    expect(await ask(all.gateway.port, handshakeRequest({ headers }))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await all.gateway.logged('refused')).toMatchObject({ result: 'auth_revoked', user: 'ann' });
    other.send(clientFrame('still here'));
    const peers = [await all.upstream.next(), await all.upstream.next()];
    const ofBob = peers.find((peer) => headerOf(peer.request, 'X-User') === 'bob')!;
    expect((await ofBob.frame()).payload.toString()).toBe('still here');
    other.socket.destroy();
  });

  test('ends when a configuration names a list for the first time, and the user stands in it', async () => {
    await using all = await stand(`[{basic: {file: ${users}}}]`);
    const client = await rawClient(all.gateway.port, { headers: { Authorization: basic('ann:hunter2') } });
    await all.prepareAndReload(`revoked_users: ${file('revoked-new', 'ann\n')}`);
    expect((await client.frame()).payload.readUInt16BE(0)).toBe(1008);
    client.socket.destroy();
    (await all.upstream.next()).socket.destroy();
    expect(await all.gateway.logged('end')).toMatchObject({ reason: 'revoked', user: 'ann' });
  });

  test('ends when the user is shut out while the backend has not answered the handshake yet', async () => {
    const list = file('revoked-late', '# nobody\n');
    await using all = await stand(`[{basic: {file: ${users}}}]`, '', `revoked_users: ${list}`, () => null);
    await all.gateway.logged('auth_file_loaded', { file: list });
    const client = await rawConnect(all.gateway.port);
    client.sendText(handshakeRequest({ headers: { Authorization: basic('ann:hunter2') } }));
    const peer = await all.upstream.next();
    writeFileSync(list, 'ann\n');
    await all.gateway.logged('auth_file_loaded', { file: list });
    peer.sendText(switching(peer.request));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
    expect((await client.frame()).payload.readUInt16BE(0)).toBe(1008);
    client.socket.destroy();
  });

  test('ends when an operator says so', async () => {
    await using all = await stand(`[{basic: {file: ${users}}}]`);
    const client = await rawClient(all.gateway.port, { headers: { Authorization: basic('ann:hunter2') } });
    const end = (name: string) =>
      fetch(`http://127.0.0.1:${all.gateway.adminPort}/api/users/${name}/connections`, { method: 'DELETE' });
    expect(await (await end('bob')).json()).toEqual({ user: 'bob', ended: 0 });
    const ended = await end('ann');
    expect([ended.status, await ended.json()]).toEqual([202, { user: 'ann', ended: 1 }]);
    expect((await client.frame()).payload.readUInt16BE(0)).toBe(1008);
    expect((await end('%zz')).status).toBe(400);
  });

  test('ends when an operator says so, also one that waits for the end of a message', async () => {
    await using all = await stand(`[{basic: {file: ${users}}}]`, '', 'timeouts: {close: 1m}');
    const client = await rawClient(all.gateway.port, { headers: { Authorization: basic('ann:hunter2') } });
    const peer = await all.upstream.next();
    peer.send(frame('the first half', { fin: false }));
    expect((await client.frame()).payload.toString()).toBe('the first half');
    const api = `http://127.0.0.1:${all.gateway.adminPort}/api`;
    const { connections } = (await (await fetch(`${api}/connections`)).json()) as { connections: { id: string }[] };
    const closing = await fetch(`${api}/connections/${connections[0]!.id}`, { method: 'DELETE' });
    expect(await closing.json()).toMatchObject({ result: 'closing' });
    const ended = await fetch(`${api}/users/ann/connections`, { method: 'DELETE' });
    expect(await ended.json()).toEqual({ user: 'ann', ended: 1 });
    expect((await client.frame()).payload.readUInt16BE(0)).toBe(1008);
  });
});

test('a static token stands where a JWT may, and each is judged by its own kind', async () => {
  const signer = newSigner('one');
  const keys = file('keys-row', setText(signer));
  const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}}}`;
  await using all = await stand(`[${jwt}, {bearer: {file: ${tokens}}}]`, 'identity_headers: {user: X-User}', '', ok);
  const good = tokenOf(signer, { exp: Math.floor(Date.now() / 1000) + 60 });
  for (const [brought, user] of [
    [good, 'ann'],
    [token, 'ci'],
  ] as const) {
    expect(await ask(all.gateway.port, request([`Authorization: Bearer ${brought}`]))).toMatch(/ 200 /);
    const { request: seen } = await all.upstream.next();
    expect(headersOf(seen, 'X-User')).toEqual([user]);
    expect(headersOf(seen, 'Authorization')).toEqual([]);
  }
  for (const wrong of ['nobodys', confusedToken(signer)]) {
    expect(await ask(all.gateway.port, request([`Authorization: Bearer ${wrong}`]))).toMatch(/ 401 /);
  }
  const metrics = await all.gateway.metrics();
  expect(metrics).toContain('sluice_auth_total{route="test",kind="bearer",result="unknown"} 1');
  expect(metrics).toContain('sluice_auth_total{route="test",kind="jwt",result="algorithm"} 1');
});

describe('forward', () => {
  test('passes on an error of the service, which counts as nobody’s', async () => {
    const port = await serve((_req, res) => res.writeHead(503, { 'Retry-After': '7' }).end('the store is down'));
    await using all = await stand(`[{forward: {url: "http://127.0.0.1:${port}"}}]`);
    for (const text of [request([]), handshakeRequest()]) {
      const client = await rawConnect(all.gateway.port);
      client.sendText(text);
      const head = await client.head();
      expect(head).toMatch(/^HTTP\/1\.1 503 /);
      expect(headersOf(head, 'Retry-After')).toEqual(['7']);
      expect((await client.bytes(17)).toString()).toBe('the store is down');
      client.socket.destroy();
    }
    const metrics = await all.gateway.metrics();
    expect(metrics).toContain('sluice_handshakes_total{route="test",result="auth_unavailable"} 2');
    expect(metrics).toContain('sluice_auth_total{route="test",kind="forward",result="unavailable"} 2');
  });

  test('passes on what the service says, and lets in whom it names', async () => {
    const seen: string[] = [];
    const port = await serve((req, res) => {
      seen.push(`${req.headers['x-forwarded-method']} ${req.headers['x-forwarded-uri']}`);
      if (req.headers.cookie === 's=1') {
        res.writeHead(202, { 'X-Auth-Request-User': 'ann', 'X-Auth-Request-Email': 'ann@x.test' }).end();
      } else
        res
          .writeHead(
            302,
            [
              ['Location', '/login'],
              ['Set-Cookie', 'csrf=1'],
            ].flat(),
          )
          .end('to the login page');
    });
    const forward = `{forward: {url: "http://127.0.0.1:${port}/auth", response_headers: [X-Auth-Request-Email], cache: 1m}}`;
    await using all = await stand(`[${forward}]`, 'identity_headers: {user: X-User}', '', ok);
    const client = await rawConnect(all.gateway.port);
    client.sendText(request([]));
    const redirect = await client.head();
    expect(redirect).toMatch(/^HTTP\/1\.1 302 /);
    expect(headerOf(redirect, 'Set-Cookie')).toBe('csrf=1');
    expect((await client.bytes(17)).toString()).toBe('to the login page');
    for (let i = 0; i < 80; i++)
      expect(await ask(all.gateway.port, request(['Cookie: s=1'], `/${i}.js`))).toMatch(/ 200 /);
    expect(seen).toEqual(['GET /', 'GET /0.js']);
    const { request: first } = await all.upstream.next();
    expect(headersOf(first, 'X-User')).toEqual(['ann']);
    expect(headersOf(first, 'X-Auth-Request-Email')).toEqual(['ann@x.test']);
    expect(await ask(all.gateway.port, handshakeRequest())).toMatch(/^HTTP\/1\.1 302 /);
    client.socket.destroy();
  });

  test.each(lanes)('answers HEAD without a body in the %s lane, and what comes behind it', async (_, version) => {
    const port = await serve((_req, res) => res.writeHead(401, { 'X-Said': 'no' }).end('not you'));
    await using all = await stand(`[{forward: {url: "http://127.0.0.1:${port}"}}]`);
    const client = await rawConnect(all.gateway.port);
    client.sendText(request([]).replace('GET', 'HEAD').replace('HTTP/1.1', `HTTP/${version}`));
    const head = await client.head();
    expect(head).toMatch(/^HTTP\/1\.1 401 /);
    expect(headerOf(head, 'X-Said')).toBe('no');
    if (version === '1.1') {
      client.sendText(request([]));
      expect(await client.head()).toMatch(/^HTTP\/1\.1 401 /);
      expect((await client.bytes(7)).toString()).toBe('not you');
      client.socket.destroy();
    } else expect(await client.rest()).toHaveLength(0);
  });

  const absolute = (text: string) => text.replace('GET /', 'GET http://gateway.test/');
  const plain = request(['Cookie: s=1']);
  const switching = handshakeRequest({ headers: { Cookie: 's=1' } });
  const backends = {
    answer: 'HTTP/1.1 200 OK\r\nSet-Cookie: b=1\r\nX-Ends: never\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    refusal: 'HTTP/1.1 403 No\r\nSet-Cookie: b=1\r\nX-Ends: never\r\nContent-Length: 0\r\n\r\n',
  };
  test.each([
    ['an answer in the fast lane', plain, backends.answer, 200],
    ['an answer in the careful lane', request(['Cookie: s=1'], '/', '1.0'), backends.answer, 200],
    ['a 101 in the fast lane', switching, undefined, 101],
    ['a 101 in the careful lane', absolute(switching), undefined, 101],
    ['a refused handshake in the fast lane', switching, backends.refusal, 403],
    ['a refused handshake in the careful lane', absolute(switching), backends.refusal, 403],
  ] as const)('tells the client what the service says to it with %s', async (_, text, answer, status) => {
    const port = await serve((_req, res) =>
      res.writeHead(202, ['Set-Cookie', 's=2', 'Set-Cookie', 't=3', 'X-Ends', 'soon', 'X-Other', '1']).end(),
    );
    const forward = `{forward: {url: "http://127.0.0.1:${port}", client_headers: [Set-Cookie, X-Ends], cache: 5s}}`;
    await using all = await stand(`[${forward}]`, '', '', answer === undefined ? undefined : () => answer);
    for (let i = 0; i < 2; i++) {
      const head = await ask(all.gateway.port, text);
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(headersOf(head, 'Set-Cookie').toSorted()).toEqual([...(answer ? ['b=1'] : []), 's=2', 't=3']);
      expect(headersOf(head, 'X-Ends')).toEqual(['soon']);
      expect(headersOf(head, 'X-Other')).toEqual([]);
    }
  });

  test.each(['ann', null])('ends a connection of %s that the service lets in no more', async (name) => {
    let isIn = true;
    const port = await serve((_req, res) => {
      if (isIn) res.writeHead(200, name === null ? {} : { 'X-Auth-Request-User': name }).end();
      else res.writeHead(401).end();
    });
    await using all = await stand(`[{forward: {url: "http://127.0.0.1:${port}", recheck: 1s}}]`);
    const client = await rawClient(all.gateway.port, { headers: { Cookie: 's=1' } });
    isIn = false;
    expect((await client.frame()).payload.readUInt16BE(0)).toBe(1008);
    client.socket.destroy();
    (await all.upstream.next()).socket.destroy();
    expect(await all.gateway.logged('end')).toMatchObject({ reason: 'revoked' });
  });

  test('counts what it keeps of each handshake to ask again, and refuses handshakes near the bound', async () => {
    const port = await serve((_req, res) => res.writeHead(200).end());
    const forward = `{forward: {url: "http://127.0.0.1:${port}", recheck: 1h}}`;
    await using all = await stand(`[${forward}]`, '', 'memory: {max_buffered: 1MiB}');
    const open: Awaited<ReturnType<typeof rawConnect>>[] = [];
    const status = async () => {
      const client = await rawConnect(all.gateway.port);
      open.push(client);
      client.sendText(handshakeRequest({ headers: { Cookie: `${open.length}=${'x'.repeat(12_000)}` } }));
      return (await client.head()).slice(9, 12);
    };
    const seen = [await status()];
    while (seen.at(-1) === '101' && seen.length < 60) seen.push(await status());
    expect(seen.at(-1)).toBe('503');
    // 24 KB each of three quarters of 1 MiB.
    expect(seen.length).toBeGreaterThan(15);
    for (const { socket } of open.splice(0)) socket.destroy();
    for (const _ of seen.slice(1)) (await all.upstream.next()).socket.destroy();
    await expect.poll(status, { timeout: 60_000 }).toBe('101');
    for (const { socket } of open) socket.destroy();
  });

  test('fails closed: a service that hangs costs 503, and a client that leaves meanwhile costs nothing', async () => {
    const port = await serve(() => {});
    await using all = await stand(`[{forward: {url: "http://127.0.0.1:${port}", timeout: 100ms}}]`);
    expect(await ask(all.gateway.port, request([]))).toMatch(/^HTTP\/1\.1 503 /);
    expect(await ask(all.gateway.port, handshakeRequest())).toMatch(/^HTTP\/1\.1 503 /);
    const client = await rawConnect(all.gateway.port);
    client.sendText(handshakeRequest());
    client.socket.destroy();
    await expect.poll(async () => (await all.gateway.metrics()).match(/result="client_gone"} (\d)/)?.[1]).toBe('1');
    expect(all.upstream.accepted).toBe(0);
  });
});

test('a file that cannot be used keeps the gateway from starting, and says why', async () => {
  const bad = file('bad', 'ann:hunter2\n');
  await expect(stand(`[{basic: {file: ${bad}}}]`)).rejects.toMatchObject({
    code: 'ERR_AUTH_FILE',
    message: expect.stringMatching(/^auth\.basic\.file: .* line 1: the password is no hash/),
  });
});

test('another file of users is read before it is in force, and one that cannot be used never is', async () => {
  await using upstream = await fakeUpstream({ answer: ok });
  const text = (path: string) => `
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
routes: [{name: test, upstream: "http://127.0.0.1:${upstream.port}", auth: [{basic: {file: ${path}}}]}]
`;
  await using sluice = await startGatewayOf(text(users));
  const reload = async (path: string) =>
    sluice.gateway.reload(await sluice.gateway.prepare(loadConfig('sluice.yaml', text(path))));
  const asked = async (pair: string) =>
    (await ask(sluice.port, request([`Authorization: ${basic(pair)}`]))).split('\r\n', 1)[0];
  expect(await asked('ann:hunter2')).toBe('HTTP/1.1 200 OK');
  // Nothing is waited for here: whoever asks now is judged by the new file already.
  expect(await reload(file('users-new', `eve:${hashSync('apple', 4)}\n`))).toBe(true);
  expect(await asked('eve:apple')).toBe('HTTP/1.1 200 OK');
  expect(await asked('ann:hunter2')).toMatch(/ 401 /);
  expect(await reload(join(folder, 'users-nowhere'))).toBe(false);
  expect(sluice.gateway.configState().lastError?.errors).toMatchObject([
    { message: expect.stringMatching(/^auth\.basic\.file: .*users-nowhere does not exist/) },
  ]);
  expect(await asked('eve:apple')).toBe('HTTP/1.1 200 OK');
});

test('the keys of an issuer are fetched once, whoever invents others', async () => {
  const signers = [newSigner('one')];
  let asked = 0;
  const port = await serve((_, res) => {
    asked++;
    res.end(setText(...signers));
  });
  const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks: "http://127.0.0.1:${port}/keys"}}`;
  await using all = await stand(`[${jwt}]`, '', '', ok);
  const exp = Math.floor(Date.now() / 1000) + 60;
  const get = (header = {}) =>
    ask(all.gateway.port, request([`Authorization: Bearer ${tokenOf(signers[0]!, { exp }, header)}`]));
  expect(await get()).toMatch(/ 200 /);
  expect(await get()).toMatch(/ 200 /);
  expect(asked).toBe(1);
  // Whoever invents keys causes no more questions: the floor is half a minute.
  for (let i = 0; i < 5; i++) expect(await get({ kid: `invented-${i}` })).toMatch(/ 401 /);
  expect(asked).toBe(1);
});

describe('a token that was let in a moment ago', () => {
  const patience = { timeout: 60_000 };

  test('is refused once its key is gone, and again let in once that is back', async () => {
    const [first, second] = [newSigner('one'), newSigner('one')];
    const keys = file('keys-4', setText(first));
    const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}}}`;
    await using all = await stand(`[${jwt}]`, '', '', ok);
    const exp = Math.floor(Date.now() / 1000) + 600;
    const get = (signer = first) =>
      ask(all.gateway.port, request([`Authorization: Bearer ${tokenOf(signer, { exp })}`]));
    expect(await get()).toMatch(/ 200 /);
    expect(await get()).toMatch(/ 200 /);
    writeFileSync(keys, setText(second));
    await expect.poll(() => get(second), patience).toMatch(/ 200 /);
    expect(await get()).toMatch(/ 401 /);
    writeFileSync(keys, setText(first));
    await expect.poll(() => get(), patience).toMatch(/ 200 /);
    expect(await get(second)).toMatch(/ 401 /);
  });

  test('is refused once its user is shut out', async () => {
    const signer = newSigner('one');
    const list = file('revoked-2', '');
    const jwt = `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${file('keys-5', setText(signer))}}}`;
    await using all = await stand(`[${jwt}]`, '', `revoked_users: ${list}`, ok);
    const exp = Math.floor(Date.now() / 1000) + 600;
    const get = (sub: string) =>
      ask(all.gateway.port, request([`Authorization: Bearer ${tokenOf(signer, { exp, sub })}`]));
    for (const name of ['ann', 'bob', 'ann', 'bob']) expect(await get(name)).toMatch(/ 200 /);
    writeFileSync(list, 'ann\n');
    await expect.poll(() => get('ann'), patience).toMatch(/ 403 /);
    expect(await get('bob')).toMatch(/ 200 /);
  });
});
