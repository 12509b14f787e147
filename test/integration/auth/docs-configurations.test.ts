/** The configurations of docs/authentication.md as they stand there, but for addresses, services and files. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { hashSync } from 'bcryptjs';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Pem } from '../../helpers/client-ca.ts';
import { type FakeUpstream, fakeUpstream, headerOf, switchingOrOk } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';
import { makeCa, oid } from '../../helpers/make-certificate.ts';
import { Peer } from '../../helpers/peer.ts';
import { handshakeRequest } from '../../helpers/raw-client.ts';
import { cert, key } from '../../helpers/test-certificate.ts';
import { newSigner, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

const docs = readFileSync(new URL('../../../docs/authentication.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'docs-configurations-'));
let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The first block of YAML below a heading. */
function blockBelow(heading: string): string {
  const below = docs.slice(docs.indexOf(`\n## ${heading}\n`));
  return /```yaml\n([\s\S]*?)```/.exec(below)![1]!;
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function serve(listener: RequestListener): Promise<number> {
  const server: Server = createServer(listener);
  stack.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return listen(server);
}

interface Stand {
  readonly gateway: TestGateway;
  readonly upstream: FakeUpstream;
  /** The status that a handshake gets; over TLS where there is a certificate to show, or `null` for none. */
  open(headers: Record<string, string>, path?: string, pem?: Pem | null): Promise<string>;
  /** What the backend has been told of the last one that was let in. */
  told(name: string): Promise<string | undefined>;
}

/** Starts what stands below a heading; what has to be another thing here must stand there. */
async function start(text: string, others: Readonly<Record<string, string>>): Promise<Stand> {
  const upstream = stack.use(await fakeUpstream({ answer: switchingOrOk }));
  const all: Record<string, string> = { ...others };
  if (text.includes('trusted_proxies')) {
    all['trusted_proxies: [10.0.0.0/8]'] = 'address: "127.0.0.1:0"\n  trusted_proxies: [127.0.0.1]';
  } else all['listen:\n'] = 'listen:\n  address: "127.0.0.1:0"\n';
  let tried = text.replaceAll(
    /(?<=upstream: )http:\/\/(?:panel|fastapi|127\.0\.0\.1):\d+/g,
    `http://127.0.0.1:${upstream.port}`,
  );
  for (const [there, here] of Object.entries(all)) {
    expect(tried).toContain(there);
    tried = tried.replaceAll(there, here);
  }
  const gateway = stack.use(await startGatewayOf(`admin: {address: "127.0.0.1:0"}\n${tried}`));
  return {
    gateway,
    upstream,
    async open(headers, path = '/', pem) {
      const where = { port: gateway.port, host: '127.0.0.1' };
      const socket =
        pem === undefined ? connectTcp(where) : connectTls({ ...where, rejectUnauthorized: false, ...pem });
      const client = new Peer(socket);
      client.sendText(handshakeRequest({ path, headers }));
      const head = await client.head();
      client.socket.destroy();
      return head.slice(9, 12);
    },
    told: async (name) => headerOf((await upstream.next()).request, name),
  };
}

const basic = (pair: string) => ({ Authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
const Origin = 'https://apps.example.org';

test('oauth2-proxy in front of Panel', async () => {
  const port = await serve((req, res) => {
    if (req.url === '/oauth2/sign_in') return void res.end('sign in');
    if (req.headers.cookie !== '_oauth2_proxy=ann') return void res.writeHead(302, { Location: '/oauth2/start' }).end();
    const said = { 'X-Auth-Request-User': '7f3c', 'X-Auth-Request-Preferred-Username': 'ann' };
    res.writeHead(202, { ...said, 'X-Auth-Request-Email': 'ann@example.org' }).end();
  });
  const stand = await start(blockBelow('oauth2-proxy in front of Panel'), {
    'http://oauth2-proxy:4180': `http://127.0.0.1:${port}`,
  });
  expect(await stand.open({ Origin, Cookie: '_oauth2_proxy=ann' })).toBe('101');
  const { request } = await stand.upstream.next();
  expect(['X-Forwarded-User', 'X-Auth-Request-Email'].map((name) => headerOf(request, name))).toEqual([
    'ann',
    'ann@example.org',
  ]);
  expect(await stand.open({ Origin })).toBe('302');
  expect(await stand.open({ Origin: 'https://evil.example', Cookie: '_oauth2_proxy=ann' })).toBe('403');
  const page = await fetch(`http://127.0.0.1:${stand.gateway.port}/oauth2/sign_in`);
  expect(await page.text()).toBe('sign in');
});

test('tokens of an identity provider', async () => {
  const signer = newSigner('one');
  const port = await serve((_req, res) => res.end(setText(signer)));
  const stand = await start(blockBelow('Tokens of an identity provider'), {
    'https://id.example.org/realms/science/protocol/openid-connect/certs': `http://127.0.0.1:${port}/certs`,
  });
  const claims = {
    iss: 'https://id.example.org/realms/science',
    aud: 'apps',
    exp: Math.floor(Date.now() / 1000) + 60,
    preferred_username: 'ann',
    groups: ['staff'],
    email_verified: true,
  };
  const token = tokenOf(signer, claims);
  for (const headers of [
    { Authorization: `Bearer ${token}` },
    { 'Sec-WebSocket-Protocol': `access_token, ${token}` },
    { Cookie: `access_token=${token}` },
  ]) {
    expect(await stand.open({ Origin, ...headers })).toBe('101');
    const { request } = await stand.upstream.next();
    expect(['X-Forwarded-User', 'X-Forwarded-Groups'].map((name) => headerOf(request, name))).toEqual(['ann', 'staff']);
    expect(request).not.toContain(token);
  }
  for (const other of [{ email_verified: false }, { groups: ['guests'] }, { aud: 'other' }]) {
    const Authorization = `Bearer ${tokenOf(signer, { ...claims, ...other })}`;
    expect(await stand.open({ Origin, Authorization })).toBe('401');
  }
});

test('a service of a JupyterHub', async () => {
  const port = await serve((req, res) => {
    const isKnown = req.url === '/hub/api/user' && req.headers.authorization === 'token of-ann';
    res
      .writeHead(isKnown ? 200 : 403)
      .end('{"name": "ann", "groups": ["g"], "scopes": ["access:services!service=panel"]}');
  });
  const stand = await start(blockBelow('A service of a JupyterHub'), {
    'http://hub:8081/hub/api': `http://127.0.0.1:${port}/hub/api`,
    '/run/secrets/hub-token': file('hub-token', 'secret'),
  });
  const path = '/services/panel/ws';
  const ofHub = { Origin: 'https://hub.example.org' };
  expect(await stand.open({ ...ofHub, Authorization: 'token of-ann' }, path)).toBe('101');
  expect(await stand.told('X-Forwarded-User')).toBe('ann');
  expect(await stand.open({ ...ofHub, Authorization: 'token of-eve' }, path)).toBe('401');
});

const users = { '/etc/sluice/users': () => file('users', `anna:${hashSync('hunter2', 4).replace('$2b$', '$2y$')}\n`) };
const pair = () => ({ '/etc/sluice/tls.crt': file('tls.crt', cert), '/etc/sluice/tls.key': file('tls.key', key) });

test('a workshop', async () => {
  const stand = await start(blockBelow('A workshop'), { ...pair(), '/etc/sluice/users': users['/etc/sluice/users']() });
  const headers = { Origin: 'https://workshop.example.org' };
  expect(await stand.open({ ...headers, ...basic('anna:hunter2') }, '/', null)).toBe('101');
  expect(await stand.open({ ...headers, ...basic('anna:hunter3') }, '/', null)).toBe('401');
});

test('programs', async () => {
  const digest = createHash('sha256').update('the-token').digest('hex');
  const route = 'listen:\nroutes:\n  - name: api\n    upstream: http://127.0.0.1:1\n';
  const stand = await start(route + blockBelow('Programs'), {
    '/etc/sluice/tokens': file('tokens', `ci:sha256:${digest}\n`),
  });
  expect(await stand.open({ Authorization: 'Bearer the-token' })).toBe('101');
  expect(await stand.open({ Authorization: `Bearer ${digest}` })).toBe('401');
});

test('client certificates', async () => {
  const ca = makeCa();
  const stand = await start(blockBelow('Client certificates'), {
    ...pair(),
    '/etc/sluice/clients-ca.crt': file('ca.crt', ca.cert),
    '/etc/sluice/clients.crl': file('ca.crl', ca.revoke(4711)),
    '/etc/sluice/users': users['/etc/sluice/users'](),
  });
  const certificate = (organisation: string) =>
    ca.issue({
      subject: [
        [oid.cn, 'anna'],
        [oid.o, organisation],
      ],
      names: [[1, 'anna@example.org']],
    });
  expect(await stand.open({ Origin }, '/', certificate('science'))).toBe('101');
  expect(await stand.told('X-Forwarded-User')).toBe('anna@example.org');
  expect(await stand.open({ Origin }, '/', certificate('sales'))).toBe('401');
  expect(await stand.open({ Origin, ...basic('anna:hunter2') }, '/', null)).toBe('101');
  expect(await stand.told('X-Forwarded-User')).toBe('anna');
});

test('a proxy that signs users in', async () => {
  const stand = await start(blockBelow('A proxy that signs users in'), {});
  expect(await stand.open({ Origin, 'X-Forwarded-User': 'ann' })).toBe('101');
  expect(await stand.open({ Origin })).toBe('401');
});
