import { expect, test } from 'vitest';
import { Rounds } from '../../../../src/front/fast/rounds.ts';

const MiB = 1024 * 1024;

/** Rounds that end when the test says so. */
function stand() {
  const calls: (() => void)[] = [];
  const rounds = new Rounds((call) => calls.push(call));
  return {
    rounds,
    end: () => calls.shift()!(),
    get asked() {
      return calls.length;
    },
  };
}

test('little work asks nobody when a round ends', () => {
  const all = stand();
  all.rounds.took(MiB);
  expect(all.rounds.spent).toBe(false);
  expect(all.asked).toBe(0);
});

test('a round is spent by its work, and the next one begins anew', () => {
  const all = stand();
  for (let i = 0; i < 5; i++) all.rounds.took(MiB);
  expect(all.rounds.spent).toBe(true);
  expect(all.asked).toBe(1);
  all.end();
  expect(all.rounds.spent).toBe(false);
  expect(all.asked).toBe(0);
});

test('those who wait go on in their order, so many in each round, and nobody before them', () => {
  const all = stand();
  const gone: number[] = [];
  for (let i = 0; i < 100; i++) all.rounds.wait({ goOn: () => gone.push(i) });
  expect(all.rounds.spent).toBe(true);
  expect(all.asked).toBe(1);
  const after: number[] = [];
  while (all.asked > 0) {
    all.end();
    after.push(gone.length);
  }
  expect(after).toEqual([48, 96, 100]);
  expect(gone).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(all.rounds.spent).toBe(false);
});

test('who waits again comes behind all others', () => {
  const all = stand();
  const gone: string[] = [];
  const greedy = {
    goOn() {
      gone.push('greedy');
      if (gone.length < 4) all.rounds.wait(greedy);
    },
  };
  all.rounds.wait(greedy);
  for (const name of ['a', 'b']) all.rounds.wait({ goOn: () => gone.push(name) });
  while (all.asked > 0) all.end();
  expect(gone).toEqual(['greedy', 'a', 'b', 'greedy']);
});
