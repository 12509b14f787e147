import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Address } from '../../../src/upstream/addresses.ts';
import { Race } from '../../../src/upstream/race.ts';

/** A socket that does what the test says. */
class Attempt extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }

  fail(code: string): void {
    this.emit('error', Object.assign(new Error(code), { code }));
  }
}

const addresses: readonly Address[] = ['a', 'b', 'c'].map((address) => ({ address, family: 4 }));

/** A race whose attempts are the test's. */
function startRace(refused: readonly string[] = [], broken: readonly string[] = []) {
  const attempts: Attempt[] = [];
  const outcome: { connected?: Socket; failed?: string[]; broke?: unknown } = {};
  const open = ({ address }: Address) => {
    if (broken.includes(address)) throw new Error('a mistake');
    if (refused.includes(address)) return Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
    const attempt = new Attempt();
    attempts.push(attempt);
    return attempt as unknown as Socket;
  };
  const race = new Race(addresses, open, {
    connected: (socket) => {
      outcome.connected = socket;
    },
    failed: (errors) => {
      outcome.failed = errors.map(({ code }) => code ?? '');
    },
    broke: (error) => {
      outcome.broke = error;
    },
  });
  race.start();
  return { race, attempts, outcome };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('the addresses of a name', () => {
  test('are tried one each 250 ms, and none is given up for the next', () => {
    const { race, attempts } = startRace();
    expect(attempts).toHaveLength(1);
    vi.advanceTimersByTime(249);
    expect(attempts).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(attempts).toHaveLength(2);
    vi.advanceTimersByTime(250);
    expect(attempts.map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    vi.advanceTimersByTime(100_000);
    expect(attempts.map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    race.stop();
  });

  test('an attempt that fails begins the next at once, and its 250 ms anew', () => {
    const { race, attempts } = startRace();
    vi.advanceTimersByTime(200);
    attempts[0]!.fail('ECONNREFUSED');
    expect(attempts).toHaveLength(2);
    vi.advanceTimersByTime(249);
    expect(attempts).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(attempts).toHaveLength(3);
    race.stop();
  });

  test('the first that connects ends the others, also where it is not the last that was begun', () => {
    const { attempts, outcome } = startRace();
    vi.advanceTimersByTime(500);
    attempts[1]!.fail('ECONNREFUSED');
    attempts[0]!.emit('connect');
    expect(outcome).toEqual({ connected: attempts[0] });
    expect(attempts.map(({ destroyed }) => destroyed)).toEqual([false, false, true]);
    expect(attempts[0]!.listenerCount('connect')).toBe(0);
    // Whoever takes it over hears of its errors; until then one is no exception.
    attempts[0]!.fail('ECONNRESET');
    attempts[2]!.emit('connect');
    expect(outcome).toEqual({ connected: attempts[0] });
  });

  test('a slow one wins after another has refused', () => {
    const { attempts, outcome } = startRace();
    vi.advanceTimersByTime(500);
    attempts[1]!.fail('ECONNREFUSED');
    attempts[2]!.fail('ECONNREFUSED');
    vi.advanceTimersByTime(700);
    expect(outcome).toEqual({});
    attempts[0]!.emit('connect');
    expect(outcome).toEqual({ connected: attempts[0] });
  });

  test('fail together once the last has failed, whatever the order', () => {
    const { attempts, outcome } = startRace();
    vi.advanceTimersByTime(500);
    attempts[2]!.fail('EHOSTUNREACH');
    attempts[0]!.fail('ECONNREFUSED');
    expect(outcome).toEqual({});
    attempts[1]!.fail('ETIMEDOUT');
    expect(outcome).toEqual({ failed: ['EHOSTUNREACH', 'ECONNREFUSED', 'ETIMEDOUT'] });
  });

  test('one that cannot be begun is a failure like another', () => {
    const { attempts, outcome } = startRace(['a', 'c']);
    expect(attempts).toHaveLength(1);
    attempts[0]!.fail('ECONNREFUSED');
    expect(outcome).toEqual({ failed: ['EMFILE', 'ECONNREFUSED', 'EMFILE'] });
    expect(startRace(['a', 'b', 'c']).outcome).toEqual({ failed: ['EMFILE', 'EMFILE', 'EMFILE'] });
  });
});

test('a mistake in a later attempt is told, and no attempt is left', () => {
  const { attempts, outcome } = startRace([], ['b']);
  vi.advanceTimersByTime(250);
  expect(outcome).toEqual({ broke: new Error('a mistake') });
  expect(attempts.map(({ destroyed }) => destroyed)).toEqual([true]);
});

test('a race that is stopped leaves no socket, begins none, and tells nothing', () => {
  const { race, attempts, outcome } = startRace();
  vi.advanceTimersByTime(250);
  race.stop();
  expect(attempts.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  attempts[0]!.fail('ECONNRESET');
  attempts[1]!.emit('connect');
  vi.advanceTimersByTime(1000);
  expect(attempts).toHaveLength(2);
  expect(outcome).toEqual({});
});

test('says how the attempts stand', () => {
  const { race, attempts } = startRace();
  attempts[0]!.fail('ECONNREFUSED');
  vi.advanceTimersByTime(250);
  expect(race.describe()).toBe('ECONNREFUSED; b does not answer; c does not answer');
  race.stop();
});
