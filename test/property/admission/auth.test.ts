import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { BasicJudge } from '../../../src/admission/auth/basic/basic.ts';
import { BearerJudge } from '../../../src/admission/auth/bearer/bearer.ts';
import { JwtJudge } from '../../../src/admission/auth/jwt/jwt.ts';
import type { KeySet } from '../../../src/admission/auth/jwt/key-set.ts';
import { parseKeySet } from '../../../src/admission/auth/jwt/key-set.ts';
import type { AuthRequest, Decision } from '../../../src/admission/auth/types.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';
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
      if (decision.is === 'admitted') expectSame(decision.identity?.name, 'ann');
      else expectSame(decision.is, 'refused');
    }),
    { numRuns: 2000 },
  );
});

test('whatever an issuer signs, it is no exception, and lets in nobody but by the rules', async () => {
  const judge = new JwtJudge({
    rules: { ...rules, claims: [['groups', null]] },
    from: [{ in: 'authorization' }],
    keys: { keys: () => keys, newer: async () => null },
    forward: false,
    closesOnExpiry: true,
    now: () => nowMs,
    monotonic: () => 0,
  });
  const number = fc.oneof(
    fc.integer({ min: -100, max: 100 }).map((s) => nowMs / 1000 + s),
    fc.double({ noNaN: true }),
  );
  const maybe = (...of: fc.Arbitrary<unknown>[]) => fc.oneof({ weight: 3, arbitrary: of[0]! }, ...of, fc.jsonValue());
  const heads = fc.record(
    {
      alg: maybe(fc.constant('RS256')),
      kid: maybe(fc.constant('one')),
      crit: maybe(fc.constant(['b64'])),
      b64: maybe(fc.constant(true)),
      typ: fc.jsonValue(),
    },
    { requiredKeys: ['alg'] },
  );
  const bodies = fc.record(
    {
      iss: maybe(fc.constant(goodClaims.iss)),
      aud: maybe(fc.constant(goodClaims.aud), fc.array(fc.oneof(fc.constant('panel'), fc.jsonValue()))),
      exp: maybe(fc.constant(goodClaims.exp), number),
      nbf: maybe(number),
      sub: maybe(fc.constant('ann'), fc.string({ unit: 'binary' })),
      groups: maybe(fc.constant(['staff'])),
    },
    { requiredKeys: ['iss', 'aud', 'exp', 'sub', 'groups'] },
  );
  let admitted = 0;
  await fc.assert(
    fc.asyncProperty(heads, bodies, async (head, body) => {
      const token = tokenOf(signer, { nbf: undefined, ...body }, { kid: undefined, ...head });
      const decision = await judge.decide(authRequest(['Authorization', `Bearer ${token}`]));
      if (decision.is !== 'admitted') return void expect(decision.is).toBe('refused');
      admitted++;
      const { iss, aud, exp, nbf = 0, sub } = body as Record<string, unknown>;
      expectEqual([head.alg, iss, sub], ['RS256', goodClaims.iss, decision.identity?.name]);
      expect([aud].flat()).toContain('panel');
      expect(exp).toBeGreaterThan(nowMs / 1000 - 30);
      expect(new Date((exp as number) * 1000).getTime()).not.toBeNaN();
      expect(nbf).toBeLessThanOrEqual(nowMs / 1000 + 30);
    }),
    { numRuns: 300 },
  );
  expect(admitted).toBeGreaterThan(0);
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
      expectSame(await is(basic.decide(authRequest(['Authorization', `Basic ${credentials}`]))), 'refused');
      expectSame(await is(bearer.decide(authRequest(['Authorization', `Bearer ${credentials}`]))), 'refused');
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
        expectSame((await judge.decide(authRequest(['Authorization', `Bearer ${good}`]))).is, 'refused');
      },
    ),
  );
});
