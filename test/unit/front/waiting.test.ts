import { expect, onTestFinished, test, vi } from 'vitest';
import { capsOf, type Waiter, Waiting } from '../../../src/front/waiting.ts';
import { HeardMistakes } from '../../helpers/heard-mistakes.ts';

let time = 0;
const now = () => time;

/** A waiter that leaves when it is told to, and writes down why. */
function waiter(waiting: Waiting, group: string | null, told: string[], name: string): Waiter {
  const self: Waiter = {
    group,
    late() {
      waiting.delete(self);
      told.push(`${name} is late`);
    },
    evict() {
      waiting.delete(self);
      told.push(`${name} makes room`);
    },
    drop() {
      waiting.delete(self);
      told.push(`${name} is dropped`);
    },
  };
  return self;
}

function room(caps: { inAll: number; ofGroup: number }) {
  const waiting = new Waiting(caps, now);
  const told: string[] = [];
  return {
    waiting,
    told,
    add(name: string, group: string | null, ms = 0) {
      const added = waiter(waiting, group, told, name);
      waiting.add(added, ms);
      return added;
    },
  };
}

test('the clock ends who has waited for its time, and nobody else', () => {
  time = 0;
  const { waiting, told, add } = room({ inAll: 10, ofGroup: 10 });
  add('a', 'x', 100);
  add('for ever', 'x');
  time = 50;
  add('b', 'x', 100);
  time = 100;
  waiting.tick();
  expect(told).toEqual(['a is late']);
  time = 150;
  waiting.tick();
  waiting.tick();
  expect(told).toEqual(['a is late', 'b is late']);
  expect(waiting.size).toBe(1);
});

test('who fails when it is late is dropped, and the next is late too', () => {
  using mistakes = new HeardMistakes();
  time = 0;
  const { waiting, told, add } = room({ inAll: 10, ofGroup: 10 });
  add('a', 'x', 100).late = () => {
    throw new Error('a mistake');
  };
  add('b', 'x', 100);
  time = 100;
  waiting.tick();
  expect([told, mistakes.told, waiting.size]).toEqual([['a is dropped', 'b is late'], ['a mistake'], 0]);
});

test('of many who are late some are ended at once, and the others by the next calls', () => {
  time = 0;
  const { waiting, told, add } = room({ inAll: 10, ofGroup: 10 });
  add('for ever', 'x');
  for (const name of ['a', 'b', 'c', 'd']) add(name, 'x', 100);
  time = 100;
  expect(waiting.tick(2)).toBe(true);
  expect(told).toEqual(['a is late', 'b is late']);
  while (waiting.tick(2));
  expect(told).toEqual(['a is late', 'b is late', 'c is late', 'd is late']);
  expect(waiting.size).toBe(1);
});

test('who begins to wait again is the last again, with a new clock', () => {
  time = 0;
  const { waiting, told, add } = room({ inAll: 2, ofGroup: 2 });
  const a = add('a', 'x', 100);
  add('b', 'x');
  time = 60;
  waiting.add(a, 100);
  time = 100;
  waiting.tick();
  expect(told).toEqual([]);
  add('c', 'x');
  expect(told).toEqual(['b makes room']);
});

test('an address that has its number makes room by its own longest', () => {
  const { told, add } = room({ inAll: 10, ofGroup: 2 });
  add('other', 'y');
  add('a', 'x');
  add('b', 'x');
  add('c', 'x');
  expect(told).toEqual(['a makes room']);
});

test('where there is no room for anybody, the address that has most makes it', () => {
  const { waiting, told, add } = room({ inAll: 4, ofGroup: 10 });
  add('first', 'y');
  add('a', 'x');
  add('b', 'x');
  add('proxy', null);
  add('newcomer', 'z');
  expect(told).toEqual(['a makes room']);
  expect(waiting.size).toBe(4);
  expect(waiting.makeRoom()).toBe(true);
});

test('nobody looks at all addresses to find the one that makes room', () => {
  const { waiting, told, add } = room({ inAll: 100, ofGroup: 10 });
  for (let i = 0; i < 100; i++) add(`${i}`, `address ${i}`);
  const looks = (['values', 'entries', 'forEach', Symbol.iterator] as const).map((way) => vi.spyOn(Map.prototype, way));
  onTestFinished(() => looks.forEach((look) => void look.mockRestore()));
  waiting.makeRoom();
  for (const look of looks) expect(look).not.toHaveBeenCalled();
  expect(told).toEqual(['0 makes room']);
});

test('what is nobody’s in particular has no number of its own', () => {
  const { told, add } = room({ inAll: 4, ofGroup: 1 });
  add('a', null);
  add('b', null);
  expect(told).toEqual([]);
});

test('where nobody waits, nobody makes room', () => {
  const { waiting, add } = room({ inAll: 4, ofGroup: 1 });
  expect(waiting.makeRoom()).toBe(false);
  const a = add('a', 'x');
  waiting.delete(a);
  waiting.delete(a);
  expect(waiting.makeRoom()).toBe(false);
  expect([...waiting.all()]).toEqual([]);
});

test('as many wait as there are descriptors for, and of one address what takes 128 MiB', () => {
  const unbounded = Number.POSITIVE_INFINITY;
  expect(capsOf(1024, false, unbounded)).toEqual({ inAll: 768, ofGroup: 512 });
  expect(capsOf(1024, true, unbounded)).toEqual({ inAll: 768, ofGroup: 512 });
  expect(capsOf(1_000_000, false, unbounded)).toEqual({ inAll: 12_288, ofGroup: 8192 });
  // One that speaks TLS takes six times as much.
  expect(capsOf(1_000_000, true, unbounded)).toEqual({ inAll: 12_288, ofGroup: 2048 });
});

test('all that wait take a quarter of the container at most, from however many addresses', () => {
  const container = 256 * 1024 * 1024;
  expect(capsOf(1_000_000, true, container)).toEqual({ inAll: 1024, ofGroup: 682 });
  expect(capsOf(1_000_000, false, container)).toEqual({ inAll: 6553, ofGroup: 4369 });
  expect(capsOf(1024, true, container)).toEqual({ inAll: 768, ofGroup: 512 });
});
