import { expect, test } from 'vitest';
import { LoopTurns } from '../../../../src/relay/core/turns.ts';

function setUp() {
  const ends: (() => void)[] = [];
  const turns = new LoopTurns((call) => void ends.push(call));
  const endTurn = () => {
    for (const call of ends.splice(0)) call();
  };
  return { turns, ends, endTurn };
}

test('a turn has so many frames, and the next as many again', () => {
  const { turns, endTurn } = setUp();
  expect([turns.allow(20_000), turns.allow(12_000), turns.allow(300)]).toEqual([true, true, false]);
  endTurn();
  expect([turns.allow(32_000), turns.allow(300)]).toEqual([true, false]);
});

test('who waits goes on in order, three in a turn, whoever else comes', () => {
  const { turns, endTurn } = setUp();
  turns.allow(40_000);
  const order: number[] = [];
  for (let i = 0; i < 7; i++) turns.wait(() => order.push(i));
  endTurn();
  expect(order).toEqual([0, 1, 2]);
  endTurn();
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  turns.wait(() => order.push(7));
  endTurn();
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('who waits twice goes on once, and who waits again while it goes on does so in a later turn', () => {
  const { turns, ends, endTurn } = setUp();
  turns.allow(40_000);
  let times = 0;
  const again = () => {
    if (++times === 1) turns.wait(again);
  };
  turns.wait(again);
  turns.wait(again);
  endTurn();
  expect(times).toBe(1);
  endTurn();
  expect(times).toBe(2);
  expect(ends).toEqual([]);
});
