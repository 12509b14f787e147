import { expect, test } from 'vitest';
import { RoundBudget } from '../../../../src/relay/core/round-budget.ts';
import { HeardMistakes } from '../../../helpers/heard-mistakes.ts';

const limits = { work: 1000, free: 10, waiters: 3 };

/** A budget whose rounds end when the test says so. */
function setUp() {
  const ends: (() => void)[] = [];
  const budget = new RoundBudget((call) => void ends.push(call), limits);
  const endRound = () => {
    for (const call of ends.splice(0)) call();
  };
  return { budget, ends, endRound };
}

test('a round has so much work, and the next as much again', () => {
  const { budget, endRound } = setUp();
  expect([budget.spend(600), budget.spend(400), budget.spent]).toEqual([true, true, false]);
  expect([budget.spend(11), budget.spent]).toEqual([false, true]);
  endRound();
  expect([budget.spent, budget.spend(1000), budget.spend(11)]).toEqual([false, true, false]);
});

test('what is free is neither counted nor has to wait', () => {
  const { budget, ends } = setUp();
  for (let i = 0; i < 1000; i++) budget.spend(10);
  expect([budget.spent, ends.length]).toEqual([false, 0]);
  budget.spend(1001);
  expect([budget.spent, budget.spend(10)]).toEqual([true, true]);
});

test('little work asks nobody when a round ends, and more than half of it asks once', () => {
  const { budget, ends } = setUp();
  budget.spend(500);
  expect(ends).toHaveLength(0);
  budget.spend(11);
  budget.spend(11);
  expect(ends).toHaveLength(1);
});

test('those who wait go on in their order, so many in each round, whoever else comes', () => {
  const { budget, ends, endRound } = setUp();
  const order: number[] = [];
  const join = (n: number) => budget.wait({ onRound: () => void order.push(n), reset() {} });
  for (let i = 0; i < 7; i++) join(i);
  expect(ends).toHaveLength(1);
  endRound();
  expect(order).toEqual([0, 1, 2]);
  join(7);
  endRound();
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  endRound();
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(ends).toHaveLength(0);
});

test('where those who go on spend the round, the others keep their turn', () => {
  const { budget, endRound } = setUp();
  const order: number[] = [];
  for (let i = 0; i < 4; i++) {
    const onRound = () => {
      order.push(i);
      budget.spend(600);
    };
    budget.wait({ onRound, reset() {} });
  }
  endRound();
  expect(order).toEqual([0, 1]);
  endRound();
  expect(order).toEqual([0, 1, 2, 3]);
});

test('it is crowded while more wait than one round lets go on', () => {
  const { budget, endRound } = setUp();
  for (let i = 0; i < 3; i++) budget.wait({ onRound() {}, reset() {} });
  expect(budget.crowded).toBe(false);
  budget.wait({ onRound() {}, reset() {} });
  expect(budget.crowded).toBe(true);
  endRound();
  expect([budget.crowded, budget.spent]).toEqual([false, false]);
});

test('who waits twice goes on once, and who waits again while it goes on comes behind all others', () => {
  const { budget, ends, endRound } = setUp();
  const order: string[] = [];
  const greedy = {
    onRound() {
      order.push('greedy');
      if (order.length < 4) budget.wait(greedy);
    },
    reset() {},
  };
  budget.wait(greedy);
  budget.wait(greedy);
  for (const name of ['a', 'b', 'c']) budget.wait({ onRound: () => void order.push(name), reset() {} });
  endRound();
  endRound();
  expect(order).toEqual(['greedy', 'a', 'b', 'c', 'greedy']);
  expect(ends).toHaveLength(0);
});

test('who fails in its round is dropped, and those behind it go on', () => {
  using mistakes = new HeardMistakes();
  const { budget, endRound } = setUp();
  const order: string[] = [];
  const fails = () => {
    throw new Error('a mistake');
  };
  budget.wait({ onRound: fails, reset: () => void order.push('dropped') });
  budget.wait({ onRound: () => void order.push('goes on'), reset() {} });
  endRound();
  expect([order, mistakes.told]).toEqual([['dropped', 'goes on'], ['a mistake']]);
});
