/** Tokens that are wrong in every way, in every place and both lanes, through a whole gateway: refused and counted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeUpstream, fakeUpstream } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { confusedToken, newSigner, part, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

const signer = newSigner('one');
const now = Math.floor(Date.now() / 1000);
const soon = { exp: now + 3600 };
const good = tokenOf(signer, soon);

/** By what the metrics call it. */
const wrong: readonly (readonly [result: string, token: string])[] = [
  ['expired', tokenOf(signer, { exp: now - 3600 })],
  ['not_yet', tokenOf(signer, { ...soon, nbf: now + 3000 })],
  ['issuer', tokenOf(signer, { ...soon, iss: 'https://evil.test' })],
  ['audience', tokenOf(signer, { ...soon, aud: 'other' })],
  ['signature', tokenOf(newSigner('one'), soon)],
  ['key', tokenOf(signer, soon, { kid: 'nobodys' })],
  ['algorithm', `${part({ alg: 'none' })}.${part(soon)}.`],
  ['algorithm', confusedToken(signer)],
  ['claim', tokenOf(signer, { ...soon, sub: '' })],
  ['malformed', 'not.a-token'],
  ['too_long', `${'x'.repeat(40_000)}.y.z`],
];

/** The header lines and the path of a request with tokens, by the place where they stand. */
const places: Readonly<Record<string, (...tokens: string[]) => { path?: string; headers?: Record<string, string[]> }>> =
  {
    authorization: (...tokens) => ({ headers: { Authorization: tokens.map((token) => `Bearer ${token}`) } }),
    cookie: (...tokens) => ({ headers: { Cookie: tokens.map((token) => `token=${token}`) } }),
    subprotocol: (...tokens) => ({
      headers: { 'Sec-WebSocket-Protocol': tokens.map((token) => `access_token, ${token}`) },
    }),
    query: (...tokens) => ({ path: `/?${tokens.map((token) => `token=${encodeURIComponent(token)}`).join('&')}` }),
  };

let folder: string;
let upstream: FakeUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wrong-tokens-'));
  const keys = join(folder, 'keys.json');
  writeFileSync(keys, setText(signer));
  upstream = await fakeUpstream();
  gateway = await startGatewayOf(`
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
log: {max_rate: unlimited}
routes:
  - name: app
    upstream: http://127.0.0.1:${upstream.port}
    auth:
      - jwt:
          issuer: https://id.test
          audience: [panel]
          jwks_file: ${keys}
          from: [authorization, subprotocol, {cookie: token}, {query: token}]
`);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function counted(result: string): Promise<number> {
  const line = new RegExp(`^sluice_auth_total\\{route="app",kind="jwt",result="${result}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await gateway.metrics())?.[1] ?? 0);
}

/** Heads beyond their bound: nobody has read for which route they are. */
async function countedHeads(): Promise<number> {
  const lines = (await gateway.metrics()).matchAll(
    /^sluice_handshakes_total\{[^}]*result="headers_too_large"\} (\d+)$/gm,
  );
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

let clients = 0;
/**
 * The head of the answer to a handshake, or to a GET; each comes from another address, so that nobody is slowed down.
 */
async function ask(how: (typeof ways)[number][1], { path = '/', headers = {} }: ReturnType<(typeof places)[string]>) {
  const forwarded = `10.1.${clients >> 8}.${clients++ & 255}`;
  const client = await rawConnect(gateway.port);
  client.sendText(how(handshakeRequest({ path, headers: { 'X-Forwarded-For': forwarded, ...headers } })));
  const head = await client.head();
  client.socket.destroy();
  return head;
}

const ways = [
  ['a handshake', (text: string) => text],
  // An absolute target is not of the strict form.
  ['a handshake in the careful lane', (text: string) => text.replace('GET /', 'GET http://gateway.test/')],
  ['a request', (text: string) => text.replace(/^(?:Upgrade|Connection|Sec-WebSocket-(?:Key|Version)): .*\r\n/gm, '')],
] as const;

// A plain request has no subprotocols that anybody would read.
const read = ways.flatMap(([name, how]) =>
  Object.keys(places)
    .filter((place) => place !== 'subprotocol' || name !== 'a request')
    .map((place) => [name, place, how] as const),
);

describe.each(read)('%s with a token in the %s', (_name, place, how) => {
  test.each(wrong)('%s is refused, and counted', async (result, token) => {
    const before = await counted(result);
    expect(await ask(how, places[place]!(token))).toMatch(/^HTTP\/1\.1 401 /);
    expect(await counted(result)).toBe(before + 1);
  });

  test('three at once are refused, and counted', async () => {
    const before = await counted('several');
    const three = [good, tokenOf(signer, { ...soon, sub: 'bob' }), tokenOf(signer, { ...soon, sub: 'eve' })];
    expect(await ask(how, places[place]!(...three))).toMatch(/^HTTP\/1\.1 401 /);
    expect(await counted('several')).toBe(before + 1);
  });

  test('a megabyte of it is no header that anybody reads, and counted', async () => {
    const before = await countedHeads();
    expect(await ask(how, places[place]!('x'.repeat(2 ** 20)))).toMatch(/^HTTP\/1\.1 431 /);
    expect(await countedHeads()).toBe(before + 1);
  });
});

test('nobody of them has reached the backend, and the log has no token', async () => {
  expect(upstream.accepted).toBe(0);
  const log = JSON.stringify(gateway.log);
  for (const [, token] of wrong) expect(log).not.toContain(token.slice(-30));
  // Who brings the good one comes in.
  const client = await rawConnect(gateway.port);
  client.sendText(handshakeRequest({ headers: { Authorization: `Bearer ${good}` } }));
  expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
  client.socket.destroy();
});
