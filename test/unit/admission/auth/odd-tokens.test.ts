/** Tokens, and sets of keys, that are odd in ways that nobody meets by chance. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { JwtJudge } from '../../../../src/admission/auth/jwt/jwt.ts';
import { parseKeySet } from '../../../../src/admission/auth/jwt/key-set.ts';
import { authRequest } from './requests.ts';
import { goodClaims, newSigner, nowMs, part, rules, setText } from './tokens.ts';

const now = nowMs / 1000;
const rsa = newSigner('rsa');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
const base64 = (bytes: string | Uint8Array) => Buffer.from(bytes).toString('base64url');
/** The point of order one: by it a signature of nobody's is right, whatever it signs. */
const one = Uint8Array.of(1, ...new Array(31).fill(0));
const keys = [
  ...JSON.parse(setText(rsa)).keys,
  jwk(ec.publicKey, 'ec'),
  jwk(ed.publicKey, 'ed'),
  { kty: 'OKP', crv: 'Ed25519', kid: 'small', x: base64(one) },
];

function judgeWith(set: string): JwtJudge {
  const parsed = parseKeySet(set);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return new JwtJudge({
    rules: { ...rules, algorithms: ['RS256', 'ES256', 'EdDSA'] },
    from: [{ in: 'authorization' }],
    keys: { keys: () => parsed.value, newer: async () => null },
    forward: false,
    closesOnExpiry: true,
    now: () => nowMs,
    monotonic: () => 0,
  });
}

const judge = judgeWith(JSON.stringify({ keys }));
const decide = (token: string, by = judge) => by.decide(authRequest(['Authorization', `Bearer ${token}`]));

/** A token with this header and these claims, as they stand here, and a right signature. */
function signed(claims: string | Uint8Array, header = '{"alg":"RS256","kid":"rsa"}'): string {
  const body = `${base64(header)}.${base64(claims)}`;
  return `${body}.${sign('sha256', Buffer.from(body), rsa.privateKey).toString('base64url')}`;
}
/** JSON of an object, with more behind its members. */
const with_ = (object: object, more: string) => `${JSON.stringify(object).slice(0, -1)},${more}}`;
const claims = (more: string) => signed(with_(goodClaims, more));
const header = (more: string) => signed(JSON.stringify(goodClaims), with_({ alg: 'RS256', kid: 'rsa' }, more));
const unsigned = (head: object, signature: Uint8Array) => `${part(head)}.${part(goodClaims)}.${base64(signature)}`;
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const good = claims('"x":1');
const [head, body, signature] = good.split('.') as [string, string, string];
/** The order of P-256: by it each signature is as good as one of zeros. */
const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

describe('a token is refused', () => {
  test.each([
    // Times.
    ['an end as text', claims(`"exp":"${now + 60}"`), 'claim'],
    ['an end that is none', claims('"exp":null'), 'claim'],
    ['several ends', claims(`"exp":[${now + 60}]`), 'claim'],
    ['an end before all time', claims('"exp":-1e308'), 'expired'],
    ['an end beyond all time', claims('"exp":1e300'), 'claim'],
    ['an endless end', claims('"exp":1e999'), 'claim'],
    ['two ends, the last over', claims('"exp":1'), 'expired'],
    ['a beginning as text', claims('"nbf":"NaN"'), 'claim'],
    ['a beginning that is none', claims('"nbf":null'), 'claim'],
    ['a beginning beyond all time', claims('"nbf":1e999'), 'not_yet'],
    ['a beginning that is no JSON', claims('"nbf":NaN'), 'malformed'],
    ['an issue as text', claims('"iat":"x"'), 'claim'],
    // Whom it is for, and from.
    ['audiences that are no texts', claims('"aud":[1,null,{}]'), 'audience'],
    ['an audience within another list', claims('"aud":[["panel"]]'), 'audience'],
    ['no audience in the list', claims('"aud":[]'), 'audience'],
    ['an audience around the right one', claims('"aud":"a panel b"'), 'audience'],
    ['something like a list of audiences', claims('"aud":{"0":"panel","length":1}'), 'audience'],
    ['an issuer that is an object', claims('"iss":{"toString":"https://id.test"}'), 'issuer'],
    ['claims of its prototype', signed(`{"__proto__":${JSON.stringify(goodClaims)}}`), 'issuer'],
    ['a name of 5000 lists', claims(`"sub":${deep(5000)}`), 'claim'],
    ['a name with NUL', claims('"sub":"ann\\u0000"'), 'claim'],
    ['a name that is half a letter', claims('"sub":"\\ud800"'), 'claim'],
    ['a name that is no UTF-8', signed(Buffer.from(with_(goodClaims, '"sub":"\xe9"'), 'latin1')), 'malformed'],
    ['claims in UTF-16', signed(Buffer.from(JSON.stringify(goodClaims), 'utf16le')), 'malformed'],
    ['5000 lists in place of claims', signed(deep(5000)), 'malformed'],
    ['a list in place of claims', signed('[]'), 'malformed'],
    ['no claims', `${head}..${signature}`, 'malformed'],
    // Its header.
    ['a critical name that is known to nobody', header('"crit":["exp"],"exp":1'), 'algorithm'],
    ['a critical name of the standard’s own', header('"crit":["alg"]'), 'algorithm'],
    ['critical names that are none', header('"crit":[]'), 'malformed'],
    ['critical names that are lists', header(`"crit":${deep(5000)}`), 'malformed'],
    ['1000 critical names', header(`"crit":[${new Array(1000).fill('"b65"').join()}],"b65":true`), 'algorithm'],
    ['claims as they are (b64)', header('"crit":["b64"],"b64":false'), 'malformed'],
    ['b64 that is no truth value', header('"crit":["b64"],"b64":"false"'), 'malformed'],
    ['a key that is a path', header('"kid":"../../../../dev/null"'), 'key'],
    ['a key that is a number', header('"kid":1'), 'key'],
    ['a key of 10 000 letters', header(`"kid":"${'x'.repeat(10_000)}"`), 'key'],
    ['a key of 64 KB', header(`"kid":"${'x'.repeat(65_536)}"`), 'too_long'],
    ['a key of 5000 lists', header(`"kid":${deep(5000)}`), 'key'],
    ['a key of another kind', header('"kid":"ec"'), 'key'],
    ['an algorithm in lower case', header('"alg":"rs256"'), 'algorithm'],
    ['an algorithm and a space', header('"alg":"RS256 "'), 'algorithm'],
    ['a list of algorithms', header('"alg":["RS256"]'), 'malformed'],
    ['two algorithms, the last none', header('"alg":"none"'), 'algorithm'],
    ['nOnE', `${part({ alg: 'nOnE' })}.${body}.`, 'algorithm'],
    ['an algorithm of its prototype', signed('{}', '{"__proto__":{"alg":"RS256"},"kid":"rsa"}'), 'malformed'],
    // How it is written.
    ['padding', `${head}.${body}.${signature}==`, 'malformed'],
    ['a space', `${head} .${body}.${signature}`, 'malformed'],
    ['plain base64', `${head}.${body}.${signature.slice(0, -1)}+`, 'malformed'],
    ['8000 parts', 'a.'.repeat(8000), 'malformed'],
    // Signatures that hold by arithmetic alone.
    ['zeros', unsigned({ alg: 'ES256', kid: 'ec' }, new Uint8Array(64)), 'signature'],
    ['the order twice', unsigned({ alg: 'ES256', kid: 'ec' }, Buffer.concat([order, order])), 'signature'],
    ['one byte', unsigned({ alg: 'ES256', kid: 'ec' }, new Uint8Array(1)), 'signature'],
    ['4000 bytes', unsigned({ alg: 'ES256', kid: 'ec' }, new Uint8Array(4000)), 'signature'],
    ['a right one in DER', esOf('der'), 'signature'],
    ['zeros for EdDSA', unsigned({ alg: 'EdDSA', kid: 'ed' }, new Uint8Array(64)), 'signature'],
    [
      'a key of order one',
      unsigned({ alg: 'EdDSA', kid: 'small' }, Uint8Array.of(...one, ...new Uint8Array(32))),
      'signature',
    ],
  ])('with %s', async (_, token, result) => {
    expect(await decide(token)).toMatchObject({ is: 'refused', result });
  });
});

function esOf(dsaEncoding: 'der' | 'ieee-p1363'): string {
  const text = `${part({ alg: 'ES256', kid: 'ec' })}.${part(goodClaims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding }).toString('base64url')}`;
}

/** What an issuer may say without being another one. */
test.each([
  ['with places of other keys', header('"jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","x5c":["x"]')],
  ['with 5000 lists that nobody looks at', claims(`"x":${deep(5000)}`)],
  ['with groups of 5000 lists', claims(`"groups":${deep(5000)}`)],
  ['with an audience beside what is none', claims('"aud":[null,"panel"]')],
  ['whose end is no whole second', claims(`"exp":${now + 0.5}`)],
  ['of ES256', esOf('ieee-p1363')],
])('a token %s is good', async (_, token) => {
  expect(await decide(token)).toMatchObject({ is: 'admitted', identity: { name: 'ann' } });
});

describe('of a key', () => {
  const { kty, n, e } = JSON.parse(setText(rsa)).keys[0] as Record<string, string>;
  const key = { kty, n, e, kid: 'rsa' };

  test('nothing is looked at that is not needed, however much it is', async () => {
    const more = `${JSON.stringify(key).slice(0, -1)},"x5c":${deep(50_000)},"use":"sig"}`;
    expect(await decide(good, judgeWith(`{"keys":[${more}],"x":${deep(1000)}}`))).toMatchObject({ is: 'admitted' });
  });

  test('no more operations are read than there are', async () => {
    // Each would be compared with each, for each token: 40 s.
    const many = Array.from({ length: 30_000 }, (_, i) => `op-${i}`);
    const set = (key_ops: unknown) => judgeWith(JSON.stringify({ keys: [{ ...key, key_ops }] }));
    expect(await decide(good, set(['verify']))).toMatchObject({ is: 'admitted' });
    for (const key_ops of [[...many, 'verify'], ['sign'], ['verify', 'verify'], [['verify']], 'verify', null]) {
      expect(await decide(good, set(key_ops))).toMatchObject({ is: 'refused', result: 'key' });
    }
  });

  test.each(['use', 'alg', 'kid', 'kty'])('%s that is no text fits nothing', async (name) => {
    const odd = { ...key, [name]: null };
    const parsed = parseKeySet(JSON.stringify({ keys: [odd] }));
    if ('problem' in parsed) expect(name).toBe('kty');
    else expect(await decide(good, judgeWith(JSON.stringify({ keys: [odd] })))).toMatchObject({ result: 'key' });
  });

  test('one name may be that of several', async () => {
    const others = [newSigner('rsa'), newSigner('rsa')];
    const set = JSON.stringify({ keys: [...JSON.parse(setText(...others)).keys, key] });
    expect(await decide(good, judgeWith(set))).toMatchObject({ is: 'admitted' });
  });
});
