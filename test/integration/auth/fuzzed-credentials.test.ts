/**
 * Handshakes with credentials of any shape in any place, through a whole gateway in both lanes: each is answered 101 or
 * 401 and counted once, 101 only with the right ones, and nothing of it is a mistake of ours.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, fakeUpstream } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { confusedToken, newSigner, part, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

const numRuns = Number(process.env.SLUICE_EXCHANGES ?? 1000);
const signer = newSigner('one');
const soon = { exp: Math.floor(Date.now() / 1000) + 3600 };
const good = tokenOf(signer, soon);
const bearer = 'a-static-token-0123456789';
const password = Buffer.from('ann:hunter2').toString('base64');
/** Whoever is let in has brought one of these. */
const right = [good, bearer, password, 'of-the-hub', Buffer.from(good).toString('base64url')];

/** The hub knows one token. */
const hub = createServer((req, res) => {
  const isKnown = req.headers.authorization === 'token of-the-hub';
  res.writeHead(isKnown ? 200 : 403).end(isKnown ? '{"name":"ann","scopes":["access:services!service=panel"]}' : '');
});
let folder: string;
let upstream: FakeUpstream;
let gateway: TestGateway;

const jwt = '{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: KEYS, from: PLACES}}';
const kinds: Readonly<Record<string, string>> = {
  jwt,
  bearer: '{bearer: {file: TOKENS}}',
  basic: '{basic: {file: USERS}}',
  hub: '{jupyterhub: {api_url: "http://127.0.0.1:HUB/hub/api", token_file: SECRET, service: panel}}',
  row: `${jwt}, {bearer: {file: TOKENS}}, {basic: {file: USERS}}`,
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fuzzed-credentials-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  upstream = await fakeUpstream();
  const values: Readonly<Record<string, string>> = {
    KEYS: file('keys', setText(signer)),
    PLACES: '[authorization, subprotocol, {cookie: token}, {query: token}, {header: X-Token}]',
    TOKENS: file('tokens', `ci:sha256:${createHash('sha256').update(bearer).digest('hex')}\n`),
    USERS: file('users', `ann:${hashSync('hunter2', 4)}\n`),
    SECRET: file('secret', 'secret'),
    HUB: String(await listen(hub)),
  };
  const route = ([name, auth]: [string, string]) =>
    `  - {name: ${name}, match: {path: /${name}}, upstream: "http://127.0.0.1:${upstream.port}", auth: [${auth}]}`;
  const routes = Object.entries(kinds).map(route).join('\n');
  gateway = await startGatewayOf(`
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
log: {max_rate: unlimited}
routes:
${routes.replaceAll(/\b[A-Z]{3,}\b/g, (key) => values[key] ?? key)}
`);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  hub.close();
  hub.closeAllConnections();
  rmSync(folder, { recursive: true });
});

/** A text of these characters. */
const textOf = (unit: fc.Arbitrary<string>, maxLength = 40) => fc.string({ unit, maxLength });
const code = (min: number, max: number) => fc.integer({ min, max }).map((one) => String.fromCharCode(one));
/** What may stand in a field, as the kinds split it. */
const inField = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...'.,;= \t"\'%+-_:/\\') },
  code(0x21, 0x7e),
  code(0x80, 0xff),
);
const inToken = fc.oneof(fc.constantFrom(...'.-_~+!%'), fc.constantFrom(...'azAZ09'));
const base64url = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const json = fc.jsonValue({ maxDepth: 2 }).map(part);
/** Shapes of tokens; `inText` is what they may be made of where they stand. */
const tokenOfShape = (inText: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.constantFrom(...right, confusedToken(signer), `${part({ alg: 'none' })}.${part(soon)}.`),
    fc.constantFrom('', '.', '..', 'x'.repeat(4000), 'a.b.c', `${good}.`, `${good}${good}`),
    fc.tuple(json, json, base64url).map((parts) => parts.join('.')),
    fc.array(base64url, { maxLength: 6 }).map((parts) => parts.join('.')),
    { weight: 2, arbitrary: textOf(inText) },
    fc
      .tuple(fc.nat(good.length - 1), textOf(inText, 3))
      .map(([at, put]) => good.slice(0, at) + put + good.slice(at + 1)),
  );
const inHeader = tokenOfShape(inField);
const blank = fc.oneof({ weight: 4, arbitrary: fc.constant(' ') }, fc.constantFrom('  ', '\t', ''));
const passwords = fc.oneof(
  textOf(inField).map((text) => Buffer.from(text, 'latin1').toString('base64')),
  textOf(inField).map((text) => Buffer.from(`ann:${text}`).toString('base64')),
  fc.base64String({ maxLength: 60 }),
);
const authorization = (...schemes: string[]) =>
  fc
    .tuple(fc.constantFrom(...schemes), blank, schemes.includes('Basic') ? fc.oneof(passwords, inHeader) : inHeader)
    .map(([name, space, token]) => ['Authorization', `${name}${space}${token}`] as const);
const cookieName = fc.constantFrom('token', 'token ', ' token', 'Token', 'tokens', 'sluice-hub-panel', '"token"', '');
const pair = fc.oneof(
  fc.tuple(cookieName, fc.constantFrom('=', ' = ', '==', ''), inHeader).map((parts) => parts.join('')),
  textOf(inField),
);
const cookie = fc.oneof(
  fc.array(pair, { maxLength: 4 }).map((pairs) => ['Cookie', pairs.join(';')] as const),
  fc.constantFrom('token;', 'token=;', 't=;', ';').map((one) => ['Cookie', one.repeat(1500)] as const),
);
const subprotocols = fc
  .array(
    fc.oneof(
      fc.constantFrom('access_token', 'bokeh', 'base64url.bearer.authorization.k8s.io'),
      tokenOfShape(inToken).map((token) => token.slice(0, 5000)),
      tokenOfShape(inToken).map(
        (one) => `base64url.bearer.authorization.k8s.io.${Buffer.from(one).toString('base64url')}`,
      ),
    ),
    { maxLength: 5 },
  )
  .map((all) => ['Sec-WebSocket-Protocol', all.join(', ')] as const);
/** What each kind looks at. */
const ofKinds: Readonly<Record<string, fc.Arbitrary<readonly [name: string, value: string]>>> = {
  jwt: fc.oneof(
    authorization('Bearer', 'bearer', 'Bearer Bearer'),
    cookie,
    subprotocols,
    inHeader.map((token) => ['X-Token', token] as const),
  ),
  bearer: authorization('Bearer', 'BEARER', ''),
  basic: authorization('Basic', 'basic', 'Digest'),
  hub: fc.oneof(authorization('token', 'Bearer'), cookie),
};

const escaped = fc.oneof(inToken, fc.constantFrom('%', '%4', '%zz', '%00', '%ff', '%2E', '%c3%a9', '+', '=', '?'));
const parameter = fc
  .tuple(fc.constantFrom('token', 'tok%65n', 'token%', '', 't'), fc.constantFrom('=', ''), tokenOfShape(escaped))
  .map((parts) => parts.join(''));
const query = fc.oneof(
  fc.array(parameter, { maxLength: 4 }).map((all) => all.join('&')),
  fc.constantFrom('token=&', 't=&', '&', '%74oken&').map((one) => one.repeat(1500)),
);

/** As those who may come in bring them. */
const fit = fc.constantFrom(
  ['Authorization', `Bearer ${good}`],
  ['Authorization', `bEARER  ${bearer}`],
  ['Authorization', `Basic ${password}`],
  ['Authorization', 'token of-the-hub'],
  ['Cookie', `a=1; token="${good}"`],
  ['Sec-WebSocket-Protocol', `access_token, ${good}, bokeh`],
  ['Sec-WebSocket-Protocol', `base64url.bearer.authorization.k8s.io.${Buffer.from(good).toString('base64url')}`],
  ['X-Token', good],
) as fc.Arbitrary<readonly [string, string]>;

interface Case {
  readonly route: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly query: string | null;
  readonly isCareful: boolean;
}

const own = { ...ofKinds, row: fc.oneof(...Object.values(ofKinds)) } as Readonly<
  Record<string, fc.Arbitrary<readonly [name: string, value: string]>>
>;
const casesOf = (route: string): fc.Arbitrary<Case> =>
  fc.record({
    route: fc.constant(route),
    fields: fc.oneof(
      fc.array(own[route]!, { minLength: 1, maxLength: 3 }),
      fc.tuple(own[route]!),
      fc.tuple(fit),
      fc.tuple(fit, fc.array(own.row!, { maxLength: 2 })).map(([one, more]) => [...more, one]),
    ),
    query: fc.option(query, { nil: null, freq: 1 }),
    isCareful: fc.boolean(),
  });
const cases = fc.constantFrom(...Object.keys(kinds)).chain(casesOf);

let clients = 0;
async function ask({ route, fields, query: sent, isCareful }: Case): Promise<number> {
  // From many addresses, so that guessing slows nobody down.
  const from = `X-Forwarded-For: 10.${clients >> 16}.${(clients >> 8) & 255}.${clients++ & 255}`;
  const lines = fields.map(([name, value]) => `${name}: ${value}`);
  const [first, ...rest] = handshakeRequest({ path: `/${route}${sent === null ? '' : `?${sent}`}` }).split('\r\n');
  const client = await rawConnect(gateway.port);
  client.sendText([...(isCareful ? [''] : []), first, from, ...lines, ...rest].join('\r\n'));
  const head = await client.head();
  client.socket.destroy();
  return Number(head.slice(9, 12));
}

/** How often each result was counted, of all kinds, and how often a handshake was. */
async function counted(): Promise<{ auth: number; admitted: number; handshakes: number }> {
  const sums = { auth: 0, admitted: 0, handshakes: 0 };
  for (const line of (await gateway.metrics()).split('\n')) {
    const count = Number(line.slice(line.lastIndexOf(' ')));
    if (line.startsWith('sluice_auth_total{')) sums.auth += count;
    if (line.startsWith('sluice_auth_total{') && line.includes('result="admitted"')) sums.admitted += count;
    if (line.startsWith('sluice_handshakes_total{')) sums.handshakes += count;
  }
  return sums;
}

test('credentials of any shape: 101 with right ones, 401 else, each counted, and no mistake of ours', async () => {
  const answers = { 101: 0, 401: 0 };
  const before = await counted();
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      const status = await ask(one);
      expect([101, 401]).toContain(status);
      answers[status as 101 | 401]++;
      const sent = decodeURIComponent(JSON.stringify(one).replaceAll(/%(?!2E)/g, ''));
      if (status === 101) expect(right.some((each) => sent.includes(each))).toBe(true);
    }),
    { numRuns, interruptAfterTimeLimit: 90_000 },
  );
  const after = await counted();
  expect(after.auth - before.auth).toBe(answers[101] + answers[401]);
  expect(after.admitted - before.admitted).toBe(answers[101]);
  expect(after.handshakes - before.handshakes).toBe(answers[101] + answers[401]);
  expect(Math.min(answers[101], answers[401])).toBeGreaterThan(numRuns / 50);
  const mistakes = gateway.log.filter(({ event }) => /bug|crashed|mistake/.test(String(event)));
  expect(mistakes).toEqual([]);
  expect(gateway.log.filter((line) => right.some((each) => JSON.stringify(line).includes(each)))).toEqual([]);
});
