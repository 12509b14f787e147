/** Credentials of every kind, wrong in every way, and a Sluice whose routes ask for them. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import type { Pem } from '../helpers/client-ca.ts';
import { frame } from '../helpers/frames.ts';
import { listen } from '../helpers/listen.ts';
import { makeCa, oid } from '../helpers/make-certificate.ts';
import { sampleAccept } from '../helpers/raw-client.ts';
import { cert, key } from '../helpers/test-certificate.ts';
import { scratchDirectory } from '../real/harness/paths.ts';
import { Sluice, type SluiceOptions } from '../real/harness/sluice.ts';
import { confusedToken, newSigner, part, setText, tokenOf } from '../unit/admission/auth/tokens.ts';

/** One handshake. */
export interface Attempt {
  /** The kind that it is for. */
  readonly kind: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Where it comes from: `127.0.0.1` is a trusted proxy. */
  readonly from: string;
  /** What it shows in TLS. */
  readonly pem: Pem | null;
}

export interface Targets extends AsyncDisposable {
  readonly sluice: Sluice;
  /** Ports of the services that are asked. */
  readonly services: readonly number[];
  /** The n-th attempt. */
  attempt(n: number): Attempt;
  /** One that is let in; the backend says "hello" to each message. */
  readonly good: Attempt;
}

const proxy = '127.0.0.1';
const stranger = '127.0.0.2';

/** Starts Sluice, over TLS or not, and the services that it asks. */
export async function startTargets(tls: boolean, options: SluiceOptions): Promise<Targets> {
  const folder = scratchDirectory('auth');
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const signer = newSigner('one');
  const ca = makeCa();
  const service = createServer((req, res) => {
    // Some hang until Sluice gives them up, some are refused, some redirected.
    const way = Number(req.headers.cookie?.slice(2)) % 10;
    if (way === 0) return;
    if (way < 5) res.writeHead(302, { Location: '/login', 'Set-Cookie': 'csrf=1' }).end('x'.repeat(10_000));
    else if (way < 7) res.writeHead(500).end();
    else res.writeHead(401).end();
  });
  const hub = createServer((req, res) => {
    const way = req.headers.authorization?.length ?? 0;
    if (way % 3 === 0) res.writeHead(200).end('{"name": "ann", "scopes": []}');
    else res.writeHead(way % 3 === 1 ? 403 : 500).end();
  });
  const backend = createServer().on('upgrade', (_req, socket) => {
    const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${sampleAccept}`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`);
    socket.on('data', () => socket.write(frame('hello'))).on('error', () => {});
  });
  const [servicePort, hubPort, backendPort] = await Promise.all([listen(service), listen(hub), listen(backend)]);
  const jwt = {
    issuer: 'https://id.test',
    audience: ['panel'],
    jwks_file: file('keys', setText(signer)),
    from: ['authorization', 'subprotocol', { cookie: 'token' }, { query: 'token' }],
  };
  const token_file = file('hub', 'secret');
  const kinds: Record<string, object> = {
    jwt: { jwt },
    basic: { basic: { file: file('users', `ann:${hashSync('hunter2', 4)}\n`) } },
    bearer: { bearer: { file: file('tokens', `ci:sha256:${createHash('sha256').update('x').digest('hex')}\n`) } },
    header: { header: 'X-User' },
    jupyterhub: {
      jupyterhub: { api_url: `http://127.0.0.1:${hubPort}/hub/api`, token_file, service: 'panel', timeout: '500ms' },
    },
    forward: { forward: { url: `http://127.0.0.1:${servicePort}`, timeout: '500ms', cache: '5s' } },
    ...(tls ? { client_cert: { client_cert: { match: { 'subject.O': ['science'] } } } } : {}),
  };
  const sluice = await Sluice.start(
    {
      log: { level: 'error' },
      listen: {
        trusted_proxies: [proxy],
        ...(tls
          ? {
              tls: {
                cert: file('tls.crt', cert),
                key: file('tls.key', key),
                client_certificates: {
                  ca: file('ca.crt', ca.cert),
                  crl: file('ca.crl', ca.revoke(4711)),
                  required: false,
                },
              },
            }
          : {}),
      },
      routes: Object.entries(kinds).map(([name, kind]) => ({
        name,
        match: { path: `/${name}` },
        upstream: `http://127.0.0.1:${backendPort}`,
        auth: [kind],
      })),
    },
    options,
  );

  const wrong: Record<string, (n: number) => Partial<Attempt>> = {
    jwt: wrongTokens(signer),
    basic: (n) => ({
      headers: {
        Authorization: [
          `Basic ${base64(`ann:wrong-${n}`)}`,
          `Basic ${base64(`nobody-${n}:wrong`)}`,
          'Basic ???',
          `Basic ${'x'.repeat(4000)}`,
          `Digest ${n}`,
        ][n % 5]!,
      },
    }),
    bearer: (n) => ({
      headers: { Authorization: [`Bearer static-${n}`, 'Bearer ', `Bearer ${'x'.repeat(5000)}`][n % 3]! },
    }),
    header: (n) =>
      [
        { headers: { 'X-User': ['a', 'b'] } },
        { headers: { 'X-User': '\x80' } },
        { headers: { 'X-User': 'root' }, from: stranger },
      ][n % 3]!,
    jupyterhub: (n) =>
      [
        { headers: { Authorization: `token ${'t'.repeat(10 + (n % 3))}${n}` } },
        { headers: { Cookie: `sluice-hub-panel=${base64(`forged-${n}-and-long-enough`)}` } },
        { path: `/jupyterhub/oauth_callback?code=1&state=${n}` },
      ][n % 3]!,
    forward: (n) => ({ headers: { Cookie: `s=${n}` } }),
    client_cert: wrongCertificates(ca),
  };
  const names = Object.keys(kinds);
  return {
    sluice,
    services: [servicePort, hubPort, backendPort],
    good: { kind: 'header', path: '/header', headers: { 'X-User': 'ann' }, from: proxy, pem: null },
    attempt(n) {
      const kind = names[n % names.length]!;
      const turn = Math.floor(n / names.length);
      // Each sixth brings nothing.
      const { headers = {}, path = `/${kind}`, ...rest } = turn % 6 === 5 ? {} : wrong[kind]!(turn);
      // From many addresses, so that guessing is slowed down for some and not for all.
      const forwarded = { 'X-Forwarded-For': `10.${n % 7}.${n % 11}.${n % 13}` };
      return { kind, path, from: proxy, pem: null, ...rest, headers: { ...forwarded, ...headers } };
    },
    async [Symbol.asyncDispose]() {
      await sluice.stop();
      for (const server of [service, hub, backend]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function wrongTokens(signer: ReturnType<typeof newSigner>): (n: number) => Partial<Attempt> {
  const soon = Math.floor(Date.now() / 1000) + 3600;
  const tokens = [
    tokenOf(signer, { exp: 1 }),
    tokenOf(signer, { exp: soon, nbf: soon }),
    tokenOf(signer, { exp: soon, iss: 'https://evil.test' }),
    tokenOf(signer, { exp: soon, aud: 'other' }),
    tokenOf(newSigner('one'), { exp: soon }),
    tokenOf(signer, { exp: soon }, { kid: 'nobodys' }),
    `${part({ alg: 'none' })}.${part({ exp: soon })}.`,
    confusedToken(signer),
    `${'x'.repeat(40_000)}.y.z`,
    'a b',
  ];
  return (n) => {
    const token = tokens[n % tokens.length]!;
    return [
      { headers: { Authorization: `Bearer ${token}` } },
      { headers: { 'Sec-WebSocket-Protocol': `access_token, ${token}` } },
      { headers: { Cookie: `token=${token}; token=${token}x` } },
      { path: `/jwt?token=${encodeURIComponent(token)}` },
    ][Math.floor(n / tokens.length) % 4]!;
  };
}

function wrongCertificates(ca: ReturnType<typeof makeCa>): (n: number) => Partial<Attempt> {
  const subject = [
    [oid.cn, 'anna'],
    [oid.o, 'science'],
  ] as const;
  const pems = [
    ca.issue({ subject: [[oid.cn, 'anna']] }),
    ca.issue({ subject: [...subject, [oid.cn, 'root']] }),
    ca.issue({ subject, names: [[1, 'x'.repeat(60_000)]] }),
    ca.issue({ subject, until: new Date('2021-01-01T00:00:00Z') }),
    ca.issue({ subject, serial: 4711 }),
    makeCa().issue({ subject }),
  ];
  return (n) => ({ pem: pems[n % pems.length]!, from: stranger });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
