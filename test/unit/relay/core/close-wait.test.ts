import { describe, expect, test } from 'vitest';
import { CloseWait } from '../../../../src/relay/core/close-wait.ts';
import type { KernelQueue } from '../../../../src/relay/core/stall.ts';

const closeMs = 1000;
/** More than TCP sends of its own accord. */
const much = 12_201;

function begun(now = 0): CloseWait {
  const wait = new CloseWait(closeMs);
  wait.begin(now);
  return wait;
}

const over = (wait: CloseWait, left: boolean, held: boolean, ...times: number[]) =>
  times.map((now) => wait.isOver(now, left, held));

test('a close frame that finds no place waits for timeouts.close', () => {
  expect(over(begun(), false, false, 999, 1000)).toEqual([false, true]);
});

test('when it has left, the peer has that time again, once', () => {
  const wait = begun();
  expect(over(wait, true, false, 900, 1899, 1900)).toEqual([false, false, true]);
});

test('a wait that has begun goes on', () => {
  const wait = begun();
  wait.beginOnce(500);
  expect(wait.isOver(1000, false, false)).toBe(true);
  const other = new CloseWait(closeMs);
  other.beginOnce(500);
  expect(over(other, false, false, 1499, 1500)).toEqual([false, true]);
});

test('a peer that is not read has no time to lose, up to ten times as long', () => {
  const wait = begun();
  expect(over(wait, true, true, 0, 5000, 9999, 10_998, 10_999)).toEqual([false, false, false, false, true]);
});

test('a new timeouts.close counts from the next wait on', () => {
  const wait = begun();
  wait.change(5000);
  expect(wait.mostMs).toBe(50_000);
  expect(wait.isOver(1000, false, false)).toBe(true);
  wait.begin(1000);
  expect(over(wait, false, false, 5999, 6000)).toEqual([false, true]);
});

describe('a peer whose time is over', () => {
  test('is given up without a question to the kernel where all fits into the first flight', () => {
    const kernel = () => {
      throw new Error('asked');
    };
    expect(begun().givesUp(1000, much - 1, kernel)).toBe(true);
  });

  test.each<[string, readonly (readonly [reading: KernelQueue, givesUp: boolean])[]]>([
    ['is given up where nothing is known of the kernel', [[null, true]]],
    ['has more time while the kernel is being asked', [['pending', false]]],
    ['is given up where the kernel holds nothing', [[{ at: 1, bytes: 0 }, true]]],
    [
      'has more time while the kernel holds less at each look',
      [
        [{ at: 1, bytes: 50 }, false],
        [{ at: 1, bytes: 50 }, false],
        [{ at: 2, bytes: 49 }, false],
        [{ at: 3, bytes: 49 }, true],
      ],
    ],
  ])('%s', (_name, looks) => {
    const wait = begun();
    for (const [reading, givesUp] of looks) expect(wait.givesUp(1000, much, () => reading)).toBe(givesUp);
  });

  test('has timeouts.close more where the kernel delivers', () => {
    const wait = begun();
    expect(over(wait, true, false, 0, 1000)).toEqual([false, true]);
    expect(wait.givesUp(1000, much, () => ({ at: 1, bytes: 50 }))).toBe(false);
    expect(over(wait, true, false, 1999, 2000)).toEqual([false, true]);
  });
});
