import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { BasicJudge } from '../../../src/admission/auth/basic/basic.ts';
import { BearerJudge } from '../../../src/admission/auth/bearer/bearer.ts';
import { JwtJudge } from '../../../src/admission/auth/jwt/jwt.ts';
import type { KeySet } from '../../../src/admission/auth/jwt/key-set.ts';
import { parseKeySet } from '../../../src/admission/auth/jwt/key-set.ts';
import type { AuthRequest, Decision } from '../../../src/admission/auth/types.ts';
import { authRequest } from '../../unit/admission/auth/requests.ts';
import { goodClaims, keySetOf, newSigner, nowMs, rules, tokenOf } from '../../unit/admission/auth/tokens.ts';

const signer = newSigner('one');
const good = tokenOf(signer);
let keys: KeySet;
beforeAll(() => {
  keys = keySetOf(signer);
});

const encoded = (value: fc.Arbitrary<unknown>) =>
  value.map((one) => Buffer.from(JSON.stringify(one) ?? '').toString('base64url'));
const header = fc.record(
  {
    alg: fc.oneof(fc.constantFrom('RS256', 'HS256', 'none', 'ES256', 'PS512', '__proto__'), fc.jsonValue()),
    kid: fc.oneof(fc.constant('one'), fc.jsonValue()),
    typ: fc.jsonValue(),
    crit: fc.jsonValue(),
    b64: fc.boolean(),
    jwk: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const claims = fc.record(
  {
    iss: fc.oneof(fc.constant(goodClaims.iss), fc.jsonValue()),
    aud: fc.oneof(fc.constant(goodClaims.aud), fc.jsonValue()),
    exp: fc.oneof(fc.constant(goodClaims.exp), fc.jsonValue()),
    nbf: fc.jsonValue(),
    sub: fc.jsonValue(),
    groups: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const text = fc.string({ unit: 'binary', maxLength: 200 });
const shape = fc.oneof(
  text,
  fc.tuple(fc.oneof(encoded(header), text), fc.oneof(encoded(claims), text), text).map((parts) => parts.join('.')),
  fc.array(text, { maxLength: 6 }).map((parts) => parts.join('.')),
  // A good one with a wound.
  fc
    .tuple(fc.nat(good.length - 1), fc.string({ maxLength: 3 }))
    .map(([at, put]) => good.slice(0, at) + put + good.slice(at + 1)),
);

const places = [
  { in: 'authorization' },
  { in: 'cookie', name: 'tok' },
  { in: 'query', name: 't' },
  { in: 'subprotocol' },
  { in: 'header', name: 'x-token' },
] as const;

function requestWith(place: (typeof places)[number], token: string): AuthRequest {
  switch (place.in) {
    case 'authorization':
      return authRequest(['Authorization', `Bearer ${token}`]);
    case 'cookie':
      return authRequest(['Cookie', `a=1; tok=${token}`]);
    case 'query':
      return authRequest([], { target: `/?t=${token}` });
    case 'subprotocol':
      return authRequest(['Sec-WebSocket-Protocol', `access_token, ${token}`]);
    case 'header':
      return authRequest(['X-Token', token]);
  }
}

test('no shape of a token is an exception, and none but the good one lets in', async () => {
  const judge = new JwtJudge({
    rules,
    from: places,
    keys: { keys: async () => keys, newer: async () => null },
    forward: false,
    closesOnExpiry: true,
    now: () => nowMs,
    monotonic: () => 0,
  });
  await fc.assert(
    fc.asyncProperty(shape, fc.constantFrom(...places), async (token, place) => {
      const request = requestWith(place, token);
      if (!judge.brings(request)) return;
      const decision = await judge.decide(request);
      if (decision.is === 'admitted') expect(decision.identity?.name).toBe('ann');
      else expect(decision.is).toBe('refused');
    }),
    { numRuns: 2000 },
  );
});

test('no shape of a password or a static token is an exception', async () => {
  const basic = new BasicJudge({
    users: () => new Map([['ann', 'hash']]),
    compare: async () => false,
    forward: false,
    now: () => 0,
  });
  const bearer = new BearerJudge({ tokens: () => new Map(), forward: false });
  const is = async (decision: Decision | Promise<Decision>) => (await decision).is;
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, fc.base64String()), async (credentials) => {
      expect(await is(basic.decide(authRequest(['Authorization', `Basic ${credentials}`])))).toBe('refused');
      expect(await is(bearer.decide(authRequest(['Authorization', `Bearer ${credentials}`])))).toBe('refused');
    }),
  );
});

test('no key set is an exception, nor what is verified with it', async () => {
  const key = fc.oneof(
    fc.jsonValue(),
    fc.record({ kty: fc.constantFrom('RSA', 'EC', 'OKP'), n: fc.string(), e: fc.string(), kid: fc.constant('one') }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.array(key).map((all) => JSON.stringify({ keys: all })),
      ),
      async (set) => {
        const parsed = parseKeySet(set);
        if ('problem' in parsed) return;
        const judge = new JwtJudge({
          rules,
          from: [{ in: 'authorization' }],
          keys: { keys: async () => parsed.value, newer: async () => null },
          forward: false,
          closesOnExpiry: true,
          now: () => nowMs,
          monotonic: () => 0,
        });
        expect((await judge.decide(authRequest(['Authorization', `Bearer ${good}`]))).is).toBe('refused');
      },
    ),
  );
});
