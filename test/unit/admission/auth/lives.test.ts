import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Lives } from '../../../../src/admission/auth/lives.ts';
import { type Life, lasting, type Standing } from '../../../../src/admission/auth/types.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import { fakeConnection } from '../../../helpers/connection.ts';

function livesAt() {
  const clock = { wall: 1_000_000, now: 0 };
  const shutOut = new Set<string>();
  const memory = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  const lives = new Lives({
    wallClock: () => clock.wall,
    now: () => clock.now,
    chance: () => 0.5,
    isRevoked: (name) => shutOut.has(name),
    memory,
  });
  const ended: string[] = [];
  const connection = (id: string) => fakeConnection({ id, end: (...how) => void ended.push([id, ...how].join(' ')) });
  return { clock, lives, ended, connection, shutOut, memory };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a connection ends when what its user signed in with expires, and not before', () => {
  const { clock, lives, ended, connection } = livesAt();
  lives.watch(connection('a'), 'ann', { endsAtMs: 1_000_500, recheck: null });
  lives.watch(connection('b'), 'bob', lasting);
  lives.tick();
  clock.wall = 1_000_499;
  lives.tick();
  expect(ended).toEqual([]);
  clock.wall = 1_000_500;
  lives.tick();
  expect(ended).toEqual(['a expired']);
  lives.close();
});

test('the groups of a user count in memory for as long as the connection lives', () => {
  const { lives, connection, memory } = livesAt();
  const watched = lives.watch(connection('a'), 'ann', lasting, ['staff', 'x'.repeat(100)]);
  expect(memory.usedBytes).toBe(2 * 32 + 2 * 105);
  watched[Symbol.dispose]();
  expect(memory.usedBytes).toBe(0);
});

test('one that has ended by itself is looked after no more', () => {
  const { clock, lives, ended, connection } = livesAt();
  const watched = lives.watch(connection('a'), 'ann', { endsAtMs: 1_000_500, recheck: null });
  expect(lives.size).toBe(1);
  watched[Symbol.dispose]();
  clock.wall = 2_000_000;
  lives.tick();
  expect([ended, lives.size]).toEqual([[], 0]);
});

test('a clock runs while anybody is looked after, and no longer', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { clock, lives, ended, connection } = livesAt();
  const life = { endsAtMs: 1_000_500, recheck: null };
  const [first, last] = [lives.watch(connection('a'), 'ann', life), lives.watch(connection('b'), 'bob', life)];
  first[Symbol.dispose]();
  clock.wall = 1_000_500;
  vi.advanceTimersByTime(1000);
  expect(ended).toEqual(['b expired']);
  last[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  lives.watch(connection('c'), 'eve', life);
  vi.advanceTimersByTime(1000);
  expect(ended).toEqual(['b expired', 'c expired']);
  lives.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('all connections of a user who is shut out end', () => {
  const { lives, ended, connection, shutOut } = livesAt();
  for (const [id, name] of [
    ['a', 'ann'],
    ['b', 'bob'],
    ['c', 'ann'],
  ] as const)
    lives.watch(connection(id), name, lasting);
  shutOut.add('ann');
  expect(lives.endRevoked()).toBe(2);
  expect(ended).toEqual([
    'a revoked this user may not come in any more',
    'c revoked this user may not come in any more',
  ]);
  lives.close();
});

test('one of a user who was shut out while the backend answered the handshake ends at once', () => {
  const { lives, ended, connection, shutOut } = livesAt();
  shutOut.add('ann');
  lives.watch(connection('a'), 'ann', lasting);
  lives.watch(connection('b'), 'bob', lasting);
  expect(ended).toEqual(['a revoked this user may not come in any more']);
  lives.close();
});

describe('asking again', () => {
  const asking = (answers: Standing[], name: string | null = 'ann') => {
    const asked: number[] = [];
    const parts = livesAt();
    const life: Life = {
      endsAtMs: null,
      recheck: {
        everyMs: 300_000,
        bytes: 1000,
        ask: async () => {
          asked.push(parts.clock.now);
          return answers[asked.length - 1]!;
        },
      },
    };
    const watched = parts.lives.watch(parts.connection('a'), name, life);
    const at = async (now: number) => {
      parts.clock.now = now;
      parts.lives.tick();
      parts.lives.tick();
      await settled();
    };
    return { ...parts, asked, at, watched };
  };

  test('begins somewhere in the second half of the time, and goes on at its pace', async () => {
    const { asked, at, ended, lives } = asking(['stays', 'stays']);
    for (const now of [0, 224_999, 225_000, 300_000, 524_999, 525_000]) await at(now);
    expect(asked).toEqual([225_000, 525_000]);
    expect(ended).toEqual([]);
    lives.close();
  });

  test.each(['ann', null])('ends who has to go, named %s', async (name) => {
    const { at, ended, lives } = asking(['goes'], name);
    expect(lives.endRevoked()).toBe(0);
    await at(225_000);
    expect(ended).toEqual(['a revoked']);
    lives.close();
  });

  test('asks again soon where nobody could say, and ends nobody', async () => {
    const { asked, at, ended, lives } = asking(['unknown', 'stays']);
    for (const now of [225_000, 254_999, 255_000, 300_000]) await at(now);
    expect(asked).toEqual([225_000, 255_000]);
    expect(ended).toEqual([]);
    lives.close();
  });

  test('counts what it keeps to ask again, until the connection has ended or all are forgotten', () => {
    const { watched, memory, lives, connection } = asking([]);
    const life: Life = { endsAtMs: null, recheck: { everyMs: 1000, bytes: 50, ask: async () => 'stays' } };
    const other = lives.watch(connection('b'), null, life);
    lives.watch(connection('c'), 'ann', lasting);
    expect(memory.usedBytes).toBe(1050);
    watched[Symbol.dispose]();
    watched[Symbol.dispose]();
    expect(memory.usedBytes).toBe(50);
    lives.close();
    other[Symbol.dispose]();
    expect([memory.usedBytes, lives.size]).toEqual([0, 0]);
  });
});
