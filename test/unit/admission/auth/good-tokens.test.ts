import { describe, expect, test } from 'vitest';
import { GoodTokens } from '../../../../src/admission/auth/jwt/good-tokens.ts';
import type { KeySet } from '../../../../src/admission/auth/jwt/key-set.ts';
import { keySetOf, newSigner, nowMs, rules, tokenOf } from './tokens.ts';

const signer = newSigner('one');
const stranger = newSigner('one');
const now = nowMs / 1000;

function goodTokens(more: Partial<typeof rules> = {}) {
  const clock = { wall: nowMs, monotonic: 0 };
  const tokens = new GoodTokens({
    rules: { ...rules, ...more },
    now: () => clock.wall,
    monotonic: () => clock.monotonic,
  });
  return { clock, tokens };
}

/** A set of keys that counts how often a key is asked for: once for each signature that is looked at. */
function countingKeys(of = keySetOf(signer)) {
  const state = { asked: 0 };
  const keys = ((...args: Parameters<KeySet>) => {
    state.asked++;
    return of(...args);
  }) as KeySet;
  return { state, keys };
}

const good = { identity: { name: 'ann' } };

test('a good token is verified once, and then known at once', async () => {
  const { tokens } = goodTokens();
  const { keys, state } = countingKeys();
  const token = tokenOf(signer);
  expect(await tokens.find(token, keys)).toMatchObject(good);
  expect(tokens.find(token, keys)).toMatchObject(good);
  expect(await tokens.find(tokenOf(signer, { sub: 'bob' }), keys)).toMatchObject({ identity: { name: 'bob' } });
  expect(state.asked).toBe(2);
});

test('those who bring the same token at once share one look', async () => {
  const { tokens } = goodTokens();
  const { keys, state } = countingKeys();
  const token = tokenOf(signer);
  const all = await Promise.all(Array.from({ length: 80 }, () => tokens.find(token, keys)));
  for (const one of all) expect(one).toMatchObject(good);
  expect(state.asked).toBe(1);
});

test('nobody is turned away because others have come with many tokens', async () => {
  const { tokens } = goodTokens();
  const { keys } = countingKeys();
  const all = Array.from({ length: 300 }, (_, i) => tokens.find(tokenOf(signer, { sub: `user${i}` }), keys));
  const found = await Promise.all(all);
  expect(found.at(-1)).toMatchObject({ identity: { name: 'user299' } });
});

describe('a known token', () => {
  test.each([
    ['is good to the end of the leeway', { exp: now + 20 }, 49_999, true],
    ['is not beyond the leeway', { exp: now + 20 }, 50_000, false],
    ['is not before its time, should the clock be set back', { nbf: now }, -30_001, false],
    ['is good from its time on', { nbf: now }, -30_000, true],
  ])('%s', async (_, claims, passedMs, isGood) => {
    const { tokens, clock } = goodTokens();
    const { keys } = countingKeys();
    const token = tokenOf(signer, claims);
    await tokens.find(token, keys);
    // The clock on the wall alone: how long the token is kept has nothing to do with it.
    clock.wall += passedMs;
    expect(await tokens.find(token, keys)).toMatchObject(isGood ? good : { is: 'refused' });
    expect(tokens.size).toBe(isGood ? 1 : 0);
  });

  test('is verified again after a minute, whatever it says', async () => {
    const { tokens, clock } = goodTokens();
    const { keys, state } = countingKeys();
    const token = tokenOf(signer, { exp: now + 1e6 });
    await tokens.find(token, keys);
    clock.monotonic = 59_999;
    await tokens.find(token, keys);
    expect(state.asked).toBe(1);
    clock.monotonic = 60_000;
    expect(tokens.find(token, keys)).toBeInstanceOf(Promise);
    expect(state.asked).toBe(2);
  });

  test('says nothing with other keys, even while it is being verified with those before', async () => {
    const { tokens } = goodTokens();
    const { keys } = countingKeys();
    const token = tokenOf(signer);
    await tokens.find(token, keys);
    const other = keySetOf(stranger);
    expect(await tokens.find(token, other)).toMatchObject({ result: 'signature' });
    const slow = countingKeys();
    const [before, after] = await Promise.all([tokens.find(token, slow.keys), tokens.find(token, other)]);
    expect(before).toMatchObject(good);
    expect(after).toMatchObject({ result: 'signature' });
    expect(tokens.size).toBe(0);
  });
});

test.each([
  ['expired', tokenOf(signer, { exp: now - 31 }), { result: 'expired' }],
  ['with a wrong signature', tokenOf(stranger), { result: 'signature' }],
  ['of another issuer', tokenOf(signer, { iss: 'x' }), { result: 'issuer' }],
  ['without a name', tokenOf(signer, { sub: '' }), { result: 'claim' }],
])('a token that is %s is judged anew each time', async (_, token, failure) => {
  const { tokens } = goodTokens();
  const { keys, state } = countingKeys();
  expect(await tokens.find(token, keys)).toMatchObject(failure);
  expect(await tokens.find(token, keys)).toMatchObject(failure);
  expect(state.asked).toBe(2);
  expect(tokens.size).toBe(0);
});

test('a token whose key is not there is judged anew each time', async () => {
  const { tokens } = goodTokens();
  const { keys } = countingKeys();
  const token = tokenOf(signer, {}, { kid: 'three' });
  expect(await tokens.find(token, keys)).toBe('no key');
  expect(await tokens.find(token, keySetOf(newSigner('four')))).toBe('no key');
  expect(tokens.size).toBe(0);
});

test('a token that differs by one letter, or by a letter that means the same, is another', async () => {
  const { tokens } = goodTokens();
  const { keys, state } = countingKeys();
  const token = tokenOf(signer);
  await tokens.find(token, keys);
  // The last letter of a signature of 256 bytes has four bits that mean nothing.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) ^ 1];
  await tokens.find(twin, keys);
  const [head, body] = token.split('.');
  expect(await tokens.find(`${head}.${body}.${'A'.repeat(342)}`, keys)).toMatchObject({ result: 'signature' });
  expect(state.asked).toBe(3);
});
