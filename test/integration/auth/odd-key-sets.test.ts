/** Issuers that answer the question for their keys in odd ways, through a whole gateway: nobody comes in by them. */
import { createServer, type RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { startGatewayOf } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { newSigner, setText, tokenOf } from '../../unit/admission/auth/tokens.ts';

const signer = newSigner('one');
const set = setText(signer);
const [key] = JSON.parse(set).keys as [object];
const manyBytes = 100_000_000;
/** What the endless one has not been able to send yet. */
let unsent = manyBytes;

interface Oddity {
  readonly answer: RequestListener;
  /** What the log says is wrong with it. */
  readonly problem: RegExp;
}

/** What a stranger's server, whose address stands where only an issuer's may be, would be asked. */
async function oddities(stranger: string): Promise<Record<string, Oddity>> {
  const says = (body: string | Buffer, fields = {}): RequestListener => {
    return (_, res) => void res.writeHead(200, fields).end(body);
  };
  const keys = (all: unknown) => JSON.stringify({ keys: all });
  return {
    redirecting: {
      answer: (_, res) => void res.writeHead(302, { Location: stranger }).end(set),
      problem: /^the answer is 302$/,
    },
    compressed: { answer: says(gzipSync(set), { 'Content-Encoding': 'gzip' }), problem: /compressed/ },
    endless: {
      answer: (_, res) => {
        const block = Buffer.alloc(65_536, ' ');
        const more = () => {
          while (!res.destroyed && unsent > 0 && res.write(block)) unsent -= block.length;
        };
        res.on('drain', more);
        more();
      },
      problem: /longer than 524288 bytes/,
    },
    silent: { answer: () => {}, problem: /^no answer in 5000 ms$/ },
    broken: {
      answer: (_, res) =>
        void res.writeHead(200, { 'Content-Length': set.length }).write(set.slice(1), () => res.destroy()),
      problem: /./,
    },
    numerous: { answer: says(keys(new Array(10_000).fill({ kty: 'RSA' }))), problem: /10000 keys/ },
    secret: { answer: says(keys([key, { kty: 'oct', k: 'c2VjcmV0', kid: 'one' }])), problem: /secret keys/ },
    private: { answer: says(keys([signer.privateKey.export({ format: 'jwk' })])), problem: /secret keys/ },
    deep: { answer: says('['.repeat(200_000) + ']'.repeat(200_000)), problem: /no list "keys"/ },
    page: { answer: says('<!doctype html>'), problem: /no JSON/ },
    nothing: { answer: (_, res) => void res.writeHead(204).end(), problem: /^the answer is 204$/ },
  };
}

test('an issuer whose keys cannot be used lets nobody in, is told of, and no other place is asked', async () => {
  let strangers = 0;
  const stranger = createServer((_, res) => {
    strangers++;
    res.end(set);
  });
  const elsewhere = `http://127.0.0.1:${await listen(stranger)}/keys`;
  const odd = await oddities(elsewhere);
  const all: Record<string, Oddity> = { ...odd, good: { answer: (_, res) => void res.end(set), problem: /^$/ } };
  const issuer = createServer((req, res) => all[req.url!.slice(1)]!.answer(req, res));
  const port = await listen(issuer);
  await using upstream = await fakeUpstream();
  await using gateway = await startGatewayOf(`
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
log: {max_rate: unlimited}
routes:
${Object.keys(all)
  .map(
    (name) => `  - name: ${name}
    match: {path: /${name}}
    upstream: http://127.0.0.1:${upstream.port}
    auth: [{jwt: {issuer: "https://id.test", audience: [panel], jwks: "http://127.0.0.1:${port}/${name}"}}]`,
  )
  .join('\n')}
`);
  const soon = { exp: Math.floor(Date.now() / 1000) + 3600 };
  // It says where else its key might be had; that is for nobody to believe.
  const token = tokenOf(signer, soon, { jku: elsewhere, x5u: elsewhere, jwk: key });
  const ask = async (name: string) => {
    const client = await rawConnect(gateway.port);
    client.sendText(handshakeRequest({ path: `/${name}`, headers: { Authorization: `Bearer ${token}` } }));
    const head = await client.head();
    client.socket.destroy();
    return head;
  };
  // The silent one is waited for by nobody but who asked for it.
  const heads = await Promise.all(Object.keys(all).map(async (name) => [name, await ask(name)] as const));
  const metrics = await gateway.metrics();
  for (const [name, head] of heads) {
    expect(head, name).toMatch(name === 'good' ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 503 /);
    const result = name === 'good' ? 'admitted' : 'unavailable';
    expect(metrics).toContain(`sluice_auth_total{route="${name}",kind="jwt",result="${result}"} 1\n`);
  }
  const told = gateway.log.filter(({ event }) => event === 'auth_keys_failed').map(({ problem }) => String(problem));
  for (const [name, { problem }] of Object.entries(odd)) {
    expect(
      told.some((one) => problem.test(one)),
      `${name}: ${told.join('; ')}`,
    ).toBe(true);
  }
  expect(told).toHaveLength(Object.keys(odd).length);
  expect(strangers).toBe(0);
  expect(unsent).toBeGreaterThan(manyBytes / 2);
  for (const server of [issuer, stranger]) {
    server.close();
    server.closeAllConnections();
  }
});
