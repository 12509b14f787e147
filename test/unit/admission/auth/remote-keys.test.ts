import { expect, test } from 'vitest';
import type { ServiceAnswer } from '../../../../src/admission/auth/asker.ts';
import { RemoteKeys } from '../../../../src/admission/auth/jwt/remote-keys.ts';
import { HeardMistakes } from '../../../helpers/heard-mistakes.ts';
import { newSigner, setText } from './tokens.ts';

const one = newSigner('one');
const two = newSigner('two');
const ok = (text: string): ServiceAnswer => ({ status: 200, fields: [], body: Buffer.from(text) });

function remote(first: ServiceAnswer | { problem: string } | Promise<ServiceAnswer>) {
  const state = { now: 0, answer: first, asked: 0, told: [] as (string | null)[] };
  const keys = new RemoteKeys({
    ask: async ({ mostBytes }) => {
      state.asked++;
      expect(mostBytes).toBe(512 * 1024);
      return state.answer;
    },
    path: '/jwks',
    freshMs: 600_000,
    now: () => state.now,
    fetched: (problem) => state.told.push(problem),
  });
  return { state, keys };
}

test('keys are fetched once for all who ask, and again when they are old, beside the judging', async () => {
  const { state, keys } = remote(ok(setText(one)));
  const [a, b] = await Promise.all([keys.keys(), keys.keys()]);
  expect(a).toBe(b);
  state.now = 599_999;
  expect(await keys.keys()).toBe(a);
  expect(state.asked).toBe(1);
  state.now = 600_000;
  state.answer = ok(setText(two));
  expect(await keys.keys()).toBe(a);
  expect(state.asked).toBe(2);
  expect(await keys.keys()).not.toBe(a);
});

test('whoever asks while they are fetched waits for the same set', async () => {
  const { promise, resolve } = Promise.withResolvers<ServiceAnswer>();
  const { state, keys } = remote(promise);
  const asked = [keys.keys(), keys.keys()];
  await new Promise(setImmediate);
  resolve(ok(setText(one)));
  const [a, b] = await Promise.all(asked);
  expect([a === null, b === a, state.asked]).toEqual([false, true, 1]);
});

test.each([
  [{ problem: 'no answer in 5000 ms' }, 'no answer'],
  [{ status: 500, fields: [], body: Buffer.alloc(0) }, 'the answer is 500'],
  [ok('{"keys":[{"kty":"oct"}]}'), 'the answer holds secret keys'],
  [{ ...ok(setText(two)), fields: ['content-encoding', 'gzip'] }, 'the answer is compressed'],
  [ok('['.repeat(100_000)), 'the answer is no JSON'],
])('those before stay in use while fetching fails: %#', async (bad, told) => {
  const { state, keys } = remote(ok(setText(one)));
  const before = await keys.keys();
  state.now = 700_000;
  state.answer = bad;
  await keys.keys();
  await keys.newer(before!);
  expect(await keys.keys()).toBe(before);
  expect(state.told.at(-1)).toContain(told);
});

test('a mark before the text of a set means nothing', async () => {
  const { state, keys } = remote({ ...ok(`\ufeff${setText(one)}`), fields: ['Content-Encoding', 'identity'] });
  expect(await keys.keys()).not.toBeNull();
  expect(state.told).toEqual([null]);
});

test('an unknown key is looked for, but not twice within half a minute', async () => {
  const { state, keys } = remote(ok(setText(one)));
  const before = (await keys.keys())!;
  expect(await keys.newer(before)).toBeNull();
  expect(state.asked).toBe(1);
  state.now = 30_000;
  state.answer = ok(setText(one, two));
  const [after, same] = await Promise.all([keys.newer(before), keys.newer(before)]);
  expect(after).not.toBeNull();
  expect(same).toBe(after);
  expect(state.asked).toBe(2);
  // Whoever still has the old one gets the new one without a question.
  expect(await keys.newer(before)).toBe(after);
  expect(state.asked).toBe(2);
});

test('before there are any, they are asked for every three seconds', async () => {
  const { state, keys } = remote({ problem: 'refused' });
  expect(await keys.keys()).toBeNull();
  expect(await keys.keys()).toBeNull();
  expect(state.asked).toBe(1);
  state.now = 3000;
  state.answer = ok(setText(one));
  expect(await keys.keys()).not.toBeNull();
});

test('a mistake of ours while they are fetched beside the judging is told, and those before stay in use', async () => {
  using mistakes = new HeardMistakes();
  const { state, keys } = remote(ok(setText(one)));
  const before = await keys.keys();
  state.now = 600_000;
  // No body, which no service can bring about.
  state.answer = { status: 200, fields: [] } as unknown as ServiceAnswer;
  Object.defineProperty(state.answer, 'body', {
    get: () => {
      throw new Error('made on purpose');
    },
  });
  expect(await keys.keys()).toBe(before);
  await new Promise(setImmediate);
  expect(mistakes.told).toEqual(['made on purpose']);
  state.now += 60_000;
  state.answer = ok(setText(two));
  await keys.keys();
  await new Promise(setImmediate);
  expect(await keys.keys()).not.toBe(before);
});
