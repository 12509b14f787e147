/** Ways round authentication and caps that begin with something good: a right request, a known token, another place. */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FakeUpstream, fakeUpstream, headersOf, switching } from '../../helpers/fake-upstream.ts';
import { startGatewayOf, type TestGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { newSigner, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'round-about-'));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const signer = newSigner('one');
const keys = file('keys', setText(signer));
const users = file('users', `ann:${hashSync('hunter2', 4)}\n`);
const staticToken = 'static-token-0123456789';
const tokens = file('tokens', `ann:sha256:${createHash('sha256').update(staticToken).digest('hex')}\n`);
const exp = Math.floor(Date.now() / 1000) + 600;
const good = tokenOf(signer, { exp });
const bearer = (token: string) => `Authorization: Bearer ${token}`;
const password = `Authorization: Basic ${Buffer.from('ann:hunter2').toString('base64')}`;
const jwt = (from: string) =>
  `{jwt: {issuer: "https://id.test", audience: [panel], jwks_file: ${keys}, from: ${from}}}`;

const message = (first: string, ...lines: string[]) => [first, 'Host: gateway.test', ...lines, '', ''].join('\r\n');

interface Stand {
  readonly upstream: FakeUpstream;
  readonly gateway: TestGateway;
}

async function stand(auth: string, more = '', listen = ''): Promise<Stand> {
  const upstream = await fakeUpstream({
    answer: (text) =>
      /^upgrade: websocket/im.test(text)
        ? switching(text)
        : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
  });
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const gateway = await startGatewayOf(`
listen: {address: "127.0.0.1:0"${listen}}
admin: {address: "127.0.0.1:0"}
routes:
  - name: test
    upstream: http://127.0.0.1:${upstream.port}
    auth: [${auth}]
    ${more}
`);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return { upstream, gateway };
}

/** The status of the answer to one request. */
async function status({ port }: TestGateway, text: string): Promise<string> {
  const client = await rawConnect(port);
  client.sendText(text);
  const head = await client.head();
  client.socket.destroy();
  return head.slice(9, 12);
}

describe.each([
  ['fast', ''],
  ['careful', 'http://gateway.test'],
])('in the %s lane', (_, before) => {
  const get = (target: string, ...lines: string[]) => message(`GET ${before}${target} HTTP/1.1`, ...lines);

  test('credentials are those of one request, and not of those behind it on the connection', async () => {
    const { gateway, upstream } = await stand(jwt('[authorization]'));
    const client = await rawConnect(gateway.port);
    const requests = [get('/1', bearer(good)), get('/2'), get('/3', bearer(`${good}x`)), get('/4', bearer(good))];
    // Who has said that this is all is not waited for, so it is the last request that ends the connection.
    client.sendText([...requests, get('/5', 'Connection: close')].join(''));
    const all = (await client.rest()).toString('latin1');
    client.socket.destroy();
    expect(all.match(/HTTP\/1\.1 \d\d\d/g)?.map((line) => line.slice(9))).toEqual(['200', '401', '401', '200', '401']);
    const seen = [await upstream.next(), await upstream.next()].map(({ request }) => request);
    expect(seen.join('')).not.toMatch(/ \S*\/[235] /);
  });

  test('a token in the query is taken out however its name is written', async () => {
    const { gateway, upstream } = await stand(jwt('[{query: t}, {cookie: c}]'));
    const target = `/p?a=%74&%74=${good}&t=${good}&T=1&b`;
    expect(await status(gateway, get(target, `Cookie: c=${good}; x=1`, `Cookie: c="${good}"`, 'Cookie: y=2'))).toBe(
      '200',
    );
    const { request } = await upstream.next();
    expect(request).not.toContain(good);
    expect(request).toMatch(/ \S*\/p\?a=%74&T=1&b HTTP/);
    expect(headersOf(request, 'Cookie').join('; ')).toBe('x=1; y=2');
  });

  test('a token that is known says nothing for one beside it, or for itself with something more', async () => {
    const { gateway, upstream } = await stand(jwt('[authorization, {cookie: c}, {query: t}]'));
    expect(await status(gateway, get('/', bearer(good)))).toBe('200');
    expect(await status(gateway, get('/', bearer(good)))).toBe('200');
    const accepted = upstream.accepted;
    const other = tokenOf(signer, { exp, sub: 'bob' });
    const [head, body, signature] = good.split('.') as [string, string, string];
    for (const lines of [
      [bearer(good), `Cookie: c=${other}`],
      [bearer(good), bearer(other)],
      [bearer(`${good} ${other}`)],
      [bearer(`${good},${other}`)],
      [bearer(`${good}=`)],
      [bearer(`${good}.`)],
      [bearer(`${head}.${body}.${signature.slice(0, -4)}`)],
      [bearer(`${head}.${other.split('.')[1]}.${signature}`)],
    ]) {
      expect(await status(gateway, get('/', ...lines)), lines.join()).toBe('401');
    }
    expect(upstream.accepted).toBe(accepted);
  });
});

test('guesses from one address are slowed down, wherever the client says that they come from', async () => {
  const { gateway, upstream } = await stand(`{bearer: {file: ${tokens}}}`);
  const seen = new Set<string>();
  // Each is worth 3 s, and forgotten after that.
  for (let i = 0; !seen.has('429'); i++) {
    const from = `203.0.113.${i % 256}`;
    const lies = [
      `X-Forwarded-For: ${from}`,
      `X-Real-IP: ${from}`,
      `Forwarded: for=${from}`,
      `X_Forwarded_For: ${from}`,
    ];
    seen.add(await status(gateway, message('GET / HTTP/1.1', ...lies, bearer(`guess-${i}`))));
  }
  expect([...seen]).toEqual(['401', '429']);
  expect(upstream.accepted).toBe(0);
});

describe.each([
  ['fast', ''],
  ['careful', 'http://gateway.test'],
])('where several kinds stand in a row, and one has let a request in: the %s lane', (_, before) => {
  /** What the backend gets of a request with the token of `bearer`, and something for another kind. */
  const goesOn = async (auth: string, ...lines: string[]) => {
    const { gateway, upstream } = await stand(auth);
    const text = message(`GET ${before}/?t=${good}&a=1 HTTP/1.1`, bearer(staticToken), 'X-Other: 1', ...lines);
    expect(await status(gateway, text)).toBe('200');
    const { request } = await upstream.next();
    expect(headersOf(request, 'X-Other')).toEqual(['1']);
    return request;
  };

  test('nobody but the service of another writes its lines', async () => {
    const service = '{forward: {url: "http://127.0.0.1:1", user_header: X-Who, response_headers: [X-Mail]}}';
    const lines = ['X-Mail: root', 'x_who: root', 'X-Who: root'];
    expect(await goesOn(`{bearer: {file: ${tokens}}}, ${service}`, ...lines)).not.toContain('root');
  });

  test('nobody but the proxy of another writes its line', async () => {
    const lines = ['X-Login: root', 'x_login: root'];
    expect(await goesOn(`{header: X-Login}, {bearer: {file: ${tokens}}}`, ...lines)).not.toContain('root');
  });

  test('the token of another goes no further', async () => {
    const other = jwt('[{cookie: token}, {query: t}]');
    const request = await goesOn(`{bearer: {file: ${tokens}}}, ${other}`, `Cookie: a=1; token=${good}; b=2`);
    expect(request).not.toContain(good);
    expect(request).toMatch(/^GET \/\?a=1 /);
    expect(headersOf(request, 'Cookie')).toEqual(['a=1; b=2']);
  });
});

test('a user is one user, by whichever kind of credentials, and in whichever lane', async () => {
  const kinds = `{bearer: {file: ${tokens}}}, {basic: {file: ${users}}}`;
  const { gateway } = await stand(kinds, 'limits: {connections: {max_per_user: 2}}');
  const open = async (credentials: string, before = '') => {
    const client = await rawConnect(gateway.port);
    onTestFinished(() => void client.socket.destroy());
    const text = handshakeRequest({ path: `${before}/` }).replace('\r\n\r\n', `\r\n${credentials}\r\n\r\n`);
    client.sendText(text);
    return (await client.head()).slice(9, 12);
  };
  expect(await open(bearer(staticToken))).toBe('101');
  expect(await open(password, 'http://gateway.test')).toBe('101');
  for (const credentials of [bearer(staticToken), password]) {
    for (const before of ['', 'http://gateway.test']) expect(await open(credentials, before)).toBe('429');
  }
});
