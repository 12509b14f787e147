import { describe, expect, test } from 'vitest';
import { JwtJudge, type JwtOptions } from '../../../../src/admission/auth/jwt/jwt.ts';
import { type KeySet, parseKeySet } from '../../../../src/admission/auth/jwt/key-set.ts';
import type { Admitted } from '../../../../src/admission/auth/types.ts';
import { authRequest, edited } from './requests.ts';
import { confusedToken, goodClaims, keySetOf, newSigner, nowMs, part, rules, setText, tokenOf } from './tokens.ts';

const signer = newSigner('one');
const stranger = newSigner('one');
const set = keySetOf(signer, newSigner('two'));
const now = nowMs / 1000;

function judgeWith(options: Partial<JwtOptions> = {}): JwtJudge {
  const keys = { keys: async () => set, newer: async () => null };
  return new JwtJudge({
    rules,
    from: [{ in: 'authorization' }],
    keys,
    forward: false,
    closesOnExpiry: true,
    now: () => nowMs,
    monotonic: () => 0,
    ...options,
  });
}

const bearer = (token: string) => ['Authorization', `Bearer ${token}`];
const decide = (token: string, judge = judgeWith()) => judge.decide(authRequest(bearer(token)));

test('a token that names no key is tried with eight, because each takes time', async () => {
  const token = tokenOf(signer, {}, { kid: undefined });
  const behind = (count: number) => {
    const others = Array.from({ length: count }, (_, i) => ({ ...stranger, kid: `${i}` }));
    return judgeWith({ keys: { keys: () => keySetOf(...others, signer), newer: async () => null } });
  };
  expect(await decide(token, behind(7))).toMatchObject({ is: 'admitted' });
  expect(await decide(token, behind(8))).toMatchObject({ result: 'signature' });
});

describe('a good token', () => {
  test('lets its user in until it expires, and goes no further', async () => {
    const headers = [...bearer(tokenOf(signer)), 'X', '1'];
    const decision = await judgeWith().decide(authRequest(headers));
    const identity = { name: 'ann', groups: ['staff'], expiresAtMs: (now + 60) * 1000 };
    expect(decision).toMatchObject({ is: 'admitted', identity, life: { endsAtMs: (now + 90) * 1000, recheck: null } });
    if (decision.is === 'admitted') expect(edited(decision.edits, headers).lines).toEqual(['X: 1']);
  });

  test('goes on, and its connection lives, where the route says so', async () => {
    const decision = await decide(tokenOf(signer), judgeWith({ forward: true, closesOnExpiry: false }));
    expect(decision).toMatchObject({ is: 'admitted', life: { endsAtMs: null } });
    if (decision.is === 'admitted') expect(edited(decision.edits, bearer('x')).lines).toHaveLength(1);
  });

  test('ends its connection with the leeway, however late it came', async () => {
    const decision = await decide(tokenOf(signer, { exp: now - 29 }));
    expect(decision).toMatchObject({ is: 'admitted', life: { endsAtMs: (now + 1) * 1000 } });
  });

  test('is decided at once when it comes again, and the request is its own', async () => {
    const judge = judgeWith({ from: [{ in: 'authorization' }, { in: 'cookie', name: 'tok' }] });
    const token = tokenOf(signer);
    await decide(token, judge);
    const headers = ['Cookie', `a=1; tok=${token}`];
    const decision = judge.decide(authRequest(headers));
    // Keys may have to be waited for, and are waited for here.
    expect(decision).toBeInstanceOf(Promise);
    const { edits } = (await decision) as Admitted;
    expect(edited(edits, headers).lines).toEqual(['Cookie: a=1']);
    const atOnce = judgeWith({ keys: { keys: () => set, newer: async () => null } });
    await decide(token, atOnce);
    expect(decide(token, atOnce)).toMatchObject({ is: 'admitted', identity: { name: 'ann' } });
    expect(decide(`${token}x`, atOnce)).toBeInstanceOf(Promise);
  });

  test('is remembered while it is good, by these keys, and alone', async () => {
    const state = { now: nowMs, keys: set };
    const judge = judgeWith({
      keys: { keys: () => state.keys, newer: async () => null },
      from: [{ in: 'authorization' }, { in: 'cookie', name: 'tok' }],
      now: () => state.now,
    });
    const token = tokenOf(signer);
    const request = authRequest(bearer(token));
    expect(judge.remembers(request)).toBe(false);
    await judge.decide(request);
    expect(judge.remembers(request)).toBe(true);
    expect(judge.remembers(authRequest(bearer(`${token}x`)))).toBe(false);
    expect(judge.remembers(authRequest(bearer(`${token} x`)))).toBe(false);
    expect(judge.remembers(authRequest([...bearer(token), 'Cookie', 'tok=x']))).toBe(false);
    state.now += 90_000;
    expect(judge.remembers(request)).toBe(false);
    state.now = nowMs;
    state.keys = keySetOf(signer);
    expect(judge.remembers(request)).toBe(false);
    // Whose keys are still to be had is not waited for.
    expect(judgeWith().remembers(request)).toBe(false);
    expect(judgeWith({ keys: { keys: () => null, newer: async () => null } }).remembers(request)).toBe(false);
  });

  test.each([
    ['within the leeway', { exp: now - 29 }],
    ['with one of several audiences', { aud: ['x', 'other'] }],
    ['which is valid from now on', { nbf: now + 29 }],
  ])('%s', async (_, claims) => {
    expect(await decide(tokenOf(signer, claims))).toMatchObject({ is: 'admitted' });
  });

  test('that names no key is tried with each', async () => {
    expect(await decide(tokenOf(signer, {}, { kid: undefined }))).toMatchObject({ is: 'admitted' });
    expect(await decide(tokenOf(stranger, {}, { kid: undefined }))).toMatchObject({ result: 'signature' });
  });
});

test('a key that cannot be used keeps nobody from those beside it', async () => {
  const jwk = JSON.parse(setText(signer)).keys[0];
  const short = { ...jwk, n: Buffer.alloc(128, 0xff).toString('base64url') };
  for (const unusable of [short, { ...jwk, n: '!' }, { ...jwk, n: null, e: null }]) {
    const parsed = parseKeySet(JSON.stringify({ keys: [unusable, jwk] }));
    const judge = judgeWith({
      keys: { keys: () => ('value' in parsed ? parsed.value : null), newer: async () => null },
    });
    expect(await decide(tokenOf(signer), judge)).toMatchObject({ is: 'admitted' });
    expect(await decide(tokenOf(signer, {}, { kid: undefined }), judge)).toMatchObject({ is: 'admitted' });
    expect(await decide(tokenOf(stranger), judge)).toMatchObject({ result: 'signature' });
    expect(await decide(tokenOf(signer, { exp: now - 31 }), judge)).toMatchObject({ result: 'expired' });
    expect(await decide(tokenOf(signer, { aud: 'jupyter' }), judge)).toMatchObject({ result: 'audience' });
  }
});

test.each([
  ['iss', { iss: 'https://id.test/' }, 'the token is of issuer https://id.test/, and the route takes https://id.test'],
  ['no iss', { iss: undefined }, 'the token is of issuer nobody, and the route takes https://id.test'],
  ['aud', { aud: ['a', 'b'] }, 'the token is for audience a, b, and the route takes panel, other'],
  [
    'a long aud',
    { aud: 'x'.repeat(201) },
    `the token is for audience ${'x'.repeat(200)}, and the route takes panel, other`,
  ],
  ['exp', { exp: now - 31 }, `the token expired at ${new Date(nowMs - 31_000).toISOString()}`],
  ['nbf', { nbf: now + 31 }, `the token is not valid before ${new Date(nowMs + 31_000).toISOString()}`],
  ['a year that never was', { nbf: 1e300 }, 'the token is not valid before a time that never was'],
])('the log hears what a genuine token says, beside what is wanted: %s', async (_, claims, detail) => {
  expect(await decide(tokenOf(signer, claims))).toMatchObject({ is: 'refused', detail });
});

test('the log hears whose genuine token does not open the route, and what it wants', async () => {
  const wants = (...values: string[]) => judgeWith({ rules: { ...rules, claims: [['groups', values]] } });
  const identity = { name: 'ann' };
  expect(await decide(tokenOf(signer), wants('admins'))).toMatchObject({
    detail: 'the claim groups has none of the values that claims wants: admins',
    identity,
  });
  expect(await decide(tokenOf(signer), wants('a', 'b', 'c', 'd', 'e', 'f', 'g'))).toMatchObject({
    detail: 'the claim groups has none of the values that claims wants: a, b, c, d, e and 2 more',
  });
  const missing = judgeWith({ rules: { ...rules, claims: [['email', null]] } });
  expect(await decide(tokenOf(signer), missing)).toMatchObject({ detail: 'the claim email is missing', identity });
});

describe('a wrong token', () => {
  const good = tokenOf(signer);
  const [head, body, signature] = good.split('.') as [string, string, string];
  test.each([
    ['expired', tokenOf(signer, { exp: now - 31 }), 'expired'],
    ['without an end', tokenOf(signer, { exp: undefined }), 'claim'],
    ['with an end that is no number', tokenOf(signer, { exp: String(now + 60) }), 'claim'],
    ['of the future', tokenOf(signer, { nbf: now + 31 }), 'not_yet'],
    ['of another issuer', tokenOf(signer, { iss: 'https://evil.test' }), 'issuer'],
    ['of an issuer with the same beginning', tokenOf(signer, { iss: 'https://id.test/' }), 'issuer'],
    ['of several issuers', tokenOf(signer, { iss: ['https://id.test'] }), 'issuer'],
    ['of no issuer', tokenOf(signer, { iss: undefined }), 'issuer'],
    ['for another audience', tokenOf(signer, { aud: 'jupyter' }), 'audience'],
    ['for no audience', tokenOf(signer, { aud: undefined }), 'audience'],
    ['for an audience that is no text', tokenOf(signer, { aud: { panel: true } }), 'audience'],
    ['signed with another key', tokenOf(stranger), 'signature'],
    ['of a key that nobody has', tokenOf(signer, {}, { kid: 'three' }), 'key'],
    ['without a signature (none)', `${part({ alg: 'none' })}.${body}.`, 'algorithm'],
    ['without a signature (None)', `${part({ alg: 'None', kid: 'one' })}.${body}.`, 'algorithm'],
    ['whose signature is cut off', `${head}.${body}.`, 'signature'],
    ['signed with the public key as a secret', confusedToken(signer), 'algorithm'],
    ['of another algorithm', tokenOf(signer, {}, { alg: 'RS512' }), 'algorithm'],
    [
      'with other claims under its signature',
      `${head}.${part({ ...goodClaims, sub: 'root' })}.${signature}`,
      'signature',
    ],
    ['with a header that must be understood', tokenOf(signer, {}, { crit: ['x'], x: 1 }), 'algorithm'],
    [
      'that brings its own key',
      tokenOf(stranger, {}, { jwk: stranger.publicKey.export({ format: 'jwk' }) }),
      'signature',
    ],
    ['that is encrypted', `${head}.${body}.${signature}.x.y`, 'malformed'],
    ['that is none', 'hello', 'malformed'],
    ['that is empty', '', 'malformed'],
    ['of 1 MB', `${head}.${'x'.repeat(1_000_000)}.${signature}`, 'too_long'],
    ['without a name', tokenOf(signer, { sub: undefined }), 'claim'],
    ['with a name that ends a line', tokenOf(signer, { sub: 'a\r\nX-Admin: 1' }), 'claim'],
    ['with a name that is no text', tokenOf(signer, { sub: ['ann'] }), 'claim'],
  ])('%s is refused', async (_, token, result) => {
    const decision = await decide(token);
    expect(decision).toMatchObject({ is: 'refused', result });
    if (token !== '') expect(JSON.stringify(decision)).not.toContain(token);
  });

  test('three at once, wherever they stand', async () => {
    const judge = judgeWith({
      from: [{ in: 'authorization' }, { in: 'cookie', name: 'tok' }, { in: 'query', name: 't' }],
    });
    const headers = [...bearer(good), 'Cookie', `tok=${tokenOf(signer, { sub: 'bob' })}`];
    const decision = await judge.decide(authRequest(headers, { target: `/?t=${tokenOf(signer, { sub: 'eve' })}` }));
    expect(decision).toMatchObject({
      is: 'refused',
      result: 'several',
      detail: 'there are different tokens, or one too often',
    });
    // The same one in two places is one.
    expect(await judge.decide(authRequest([...bearer(good), 'Cookie', `tok=${good}`]))).toMatchObject({
      is: 'admitted',
    });
  });

  test('one so often that no page brings it so, in which another may hide', async () => {
    const judge = judgeWith({ from: [{ in: 'query', name: 't' }] });
    const often = (times: number) => `/?${`t=${good}&`.repeat(times)}`;
    const outcome = async (target: string) => judge.decide(authRequest([], { target }));
    expect(await outcome(often(16))).toMatchObject({ is: 'admitted' });
    expect(await outcome(often(17))).toMatchObject({ is: 'refused', result: 'several' });
    expect(await outcome(`${often(16)}t=other`)).toMatchObject({ is: 'refused', result: 'several' });
    expect(await outcome(`/?${'t=&'.repeat(20_000)}`)).toMatchObject({ is: 'refused', result: 'several' });
  });

  test('is no error of ours, whatever its header', async () => {
    for (const header of ['null', '[]', '{"alg":{}}', '{"alg":"RS256","kid":{}}', '{"alg":"__proto__"}', '{', '']) {
      const token = `${Buffer.from(header).toString('base64url')}.${body}.${signature}`;
      expect(await decide(token)).toMatchObject({ is: 'refused' });
    }
  });
});

describe('claims', () => {
  const wanting = (claims: (typeof rules)['claims']) => judgeWith({ rules: { ...rules, claims } });
  test.each([
    [[['groups', ['admins', 'staff']]], 'admitted'],
    [[['groups', ['admins']]], 'refused'],
    [[['email_verified', ['true']]], 'admitted'],
    [[['email_verified', null]], 'admitted'],
    [[['hd', null]], 'refused'],
    [[['toString', null]], 'refused'],
    [[['nested', ['[object Object]']]], 'refused'],
  ] as [(typeof rules)['claims'], string][])('%j: %s', async (claims, is) => {
    const token = tokenOf(signer, { email_verified: true, nested: {} });
    expect(await decide(token, wanting(claims))).toMatchObject({ is });
  });

  // istio/istio#8319, ThreeMammals/Ocelot#913, krakend/krakend-jose#32 (lists in one text), apache/couchdb#3758
  // (Keycloak's places).
  test.each([
    [[['scope', ['apps']]], 'admitted'],
    [[['scope', ['openid apps']]], 'admitted'],
    [[['scope', ['app']]], 'refused'],
    [[['scp', ['write', 'read']]], 'admitted'],
    [[['text', ['one']]], 'refused'],
    [[['realm_access.roles', ['admin']]], 'admitted'],
    [[['realm_access.roles', ['user']]], 'refused'],
    [[['realm_access.other', null]], 'refused'],
    [[['resource_access.web.app.roles', ['editor']]], 'admitted'],
    [[['resource_access.web.roles', null]], 'refused'],
    [[['https://apps.test/role', ['staff']]], 'admitted'],
    [[['sub.length', null]], 'refused'],
    [[['realm_access.constructor', null]], 'refused'],
    [[['realm_access.', null]], 'refused'],
    [[['.', null]], 'refused'],
  ] as [(typeof rules)['claims'], string][])('are found as issuers write them: %j: %s', async (claims, is) => {
    const token = tokenOf(signer, {
      scope: 'openid apps',
      scp: 'read',
      text: 'one two',
      realm_access: { roles: ['admin'] },
      resource_access: { 'web.app': { roles: ['editor'] } },
      'https://apps.test/role': 'staff',
    });
    expect(await decide(token, wanting(claims))).toMatchObject({ is });
  });

  test.each([
    ['realm_access.roles', ['admin']],
    ['role', ['admin']],
    ['scope', ['openid', 'apps']],
    ['none', []],
    ['number', []],
  ])('name the groups in %s', async (groupsClaim, groups) => {
    const token = tokenOf(signer, {
      realm_access: { roles: ['admin'] },
      role: 'admin',
      scope: 'openid apps',
      number: 1,
    });
    const decision = await decide(token, judgeWith({ rules: { ...rules, groupsClaim } }));
    expect((decision as Admitted).identity!.groups).toEqual(groups);
  });

  test('name the user and the groups where the route says', async () => {
    const judge = judgeWith({ rules: { ...rules, userClaim: 'email', groupsClaim: 'roles' } });
    const token = tokenOf(signer, { email: 'ann@x.test', roles: ['r'] });
    expect(await decide(token, judge)).toMatchObject({ identity: { name: 'ann@x.test', groups: ['r'] } });
  });
});

describe('places', () => {
  const token = tokenOf(signer);
  test('a cookie, a header and a parameter, and nothing is left of them', async () => {
    const judge = judgeWith({
      from: [
        { in: 'cookie', name: 'tok' },
        { in: 'header', name: 'x-token' },
        { in: 'query', name: 't' },
      ],
    });
    const headers = ['Cookie', `a=1; tok=${token}; b=2`, 'X-Token', `Bearer ${token}`];
    const decision = await judge.decide(authRequest(headers, { target: `/p?x=1&t=${token}&y=2` }));
    expect(decision.is).toBe('admitted');
    if (decision.is !== 'admitted') return;
    const onward = edited(decision.edits, [...headers, 'X_Token', token], `/p?x=1&t=${token}&y=2`);
    expect(onward).toEqual({ lines: ['Cookie: a=1; b=2'], target: '/p?x=1&y=2' });
  });

  // litestar-org/litestar#4552, Yaxian/rocket-jwt#8: the scheme stood before the token in a cookie, or in the query.
  test.each([
    ['Cookie', `tok="Bearer ${token}"`, '/'],
    ['Cookie', `tok=Bearer%20${token}`, '/'],
    ['X', '1', `/?t=Bearer%20${token}`],
    ['X', '1', `/?t=bearer+${token}`],
  ])('with its scheme before it, as some write it: %s: %.16s %.16s', async (name, value, target) => {
    const judge = judgeWith({
      from: [
        { in: 'cookie', name: 'tok' },
        { in: 'query', name: 't' },
      ],
    });
    expect(await judge.decide(authRequest([name, value], { target }))).toMatchObject({ is: 'admitted' });
  });

  test.each([
    `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}, v4.channel.k8s.io`,
    `access_token, ${token}, v4.channel.k8s.io`,
  ])('a subprotocol: %s', async (offered) => {
    const judge = judgeWith({ from: [{ in: 'subprotocol' }] });
    const headers = ['Sec-WebSocket-Protocol', offered];
    const decision = await judge.decide(authRequest(headers));
    expect(decision.is).toBe('admitted');
    if (decision.is !== 'admitted') return;
    expect(edited(decision.edits, headers).lines).toEqual(['Sec-WebSocket-Protocol: v4.channel.k8s.io']);
  });

  test('are looked at where the route says, and nowhere else', () => {
    const judge = judgeWith({ from: [{ in: 'cookie', name: 'tok' }] });
    expect(judge.brings(authRequest(bearer(token)))).toBe(false);
    expect(judge.brings(authRequest(['Cookie', 'tok=x']))).toBe(true);
    expect(judge.challenge()).toEqual({ authenticate: 'Bearer' });
  });
});

describe('keys', () => {
  test('that could never be had let nobody in, and that is nobody’s guess', async () => {
    const judge = judgeWith({ keys: { keys: async () => null, newer: async () => null } });
    expect(await decide(tokenOf(signer), judge)).toMatchObject({ result: 'unavailable', guessed: false });
  });

  test('that come when the token is over let nobody in', async () => {
    const clock = { now: nowMs };
    const { promise, resolve } = Promise.withResolvers<KeySet>();
    const late = { keys: () => promise, newer: async () => null };
    const judge = judgeWith({ keys: late, now: () => clock.now });
    const decision = decide(tokenOf(signer, { exp: now + 1 }), judge);
    clock.now += 31_000;
    resolve(set);
    expect(await decision).toMatchObject({ result: 'expired' });
  });

  test('whose look at the token takes until that is over let nobody in', async () => {
    const clock = { now: nowMs };
    const slow = (async (...args: Parameters<KeySet>) => {
      clock.now += 31_000;
      return set(...args);
    }) as KeySet;
    const judge = judgeWith({ keys: { keys: () => slow, newer: async () => null }, now: () => clock.now });
    expect(await decide(tokenOf(signer, { exp: now + 1 }), judge)).toMatchObject({ result: 'expired' });
  });

  test('are looked for again when a token names one that is not there', async () => {
    const fresh = newSigner('three');
    const judge = judgeWith({ keys: { keys: async () => set, newer: async () => keySetOf(signer, fresh) } });
    expect(await decide(tokenOf(fresh), judge)).toMatchObject({ is: 'admitted' });
    expect(await decide(tokenOf(newSigner('four')), judge)).toMatchObject({ result: 'key' });
  });
});

test.each([
  ['{', 'is no JSON'],
  ['null', 'holds no list "keys"'],
  ['{"keys":[]}', 'holds no list "keys"'],
  ['{"keys":[1]}', 'holds no key at position 1'],
  [JSON.stringify({ keys: new Array(101).fill({ kty: 'RSA' }) }), 'holds 101 keys'],
  ['{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', 'holds secret keys'],
  [JSON.stringify({ keys: [signer.privateKey.export({ format: 'jwk' })] }), 'holds secret keys'],
])('a key set %#: %s', (text, problem) => {
  const parsed = parseKeySet(text);
  expect('problem' in parsed && parsed.problem).toContain(problem);
});

test('a key set may hold keys of kinds that nobody knows', () => {
  const { keys } = JSON.parse(setText(signer)) as { keys: object[] };
  expect('value' in parseKeySet(JSON.stringify({ keys: [...keys, { kty: 'NEW' }] }))).toBe(true);
});
