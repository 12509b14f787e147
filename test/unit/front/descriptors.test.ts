import { expect, test } from 'vitest';
import { Descriptors } from '../../../src/front/descriptors.ts';
import { LogLines } from '../../helpers/log-lines.ts';

/** A process with so many descriptors free, and so many connections that make room. */
function descriptors(free: number, idle: number) {
  const lines = new LogLines();
  const process = { free, idle, counted: 0 };
  const makeRoom = () => {
    if (process.idle === 0) return false;
    process.idle--;
    process.free++;
    return true;
  };
  const countFree = () => {
    process.counted++;
    return process.free;
  };
  return { process, lines, descriptors: new Descriptors(lines.log, makeRoom, countFree) };
}

test('room is made for as many as are missing, and not for more', () => {
  const { process, descriptors: ours } = descriptors(10, 9);
  // The newcomer has its descriptor; 12 are kept, and it needs one more.
  expect(ours.admit()).toBe(true);
  expect(process).toMatchObject({ free: 13, idle: 6 });
  expect(ours.admitDial(4)).toBe(true);
  expect(process).toMatchObject({ free: 17, idle: 2 });
});

test('what somebody else can do without makes nobody go', () => {
  const { process, descriptors: ours } = descriptors(14, 6);
  expect([ours.spares(2), ours.spares(3)]).toEqual([true, false]);
  expect(process).toMatchObject({ free: 14, idle: 6 });
});

test('who cannot be given a descriptor is turned away when nobody is left to make room', () => {
  const { process, lines, descriptors: ours } = descriptors(10, 2);
  expect(ours.admit()).toBe(false);
  expect(ours.admitDial(0)).toBe(false);
  expect(process).toMatchObject({ free: 12, idle: 0 });
  expect(lines.all).toMatchObject([{ event: 'descriptors_exhausted', turned_away: 1 }]);
  ours.close();
});

test('one that makes room and holds its descriptor on does not count as free, and not everybody goes for it', () => {
  const process = { idle: 100 };
  const makeRoom = () => process.idle-- > 0;
  const ours = new Descriptors(new LogLines().log, makeRoom, () => 12);
  expect(ours.admit()).toBe(false);
  expect(process.idle).toBe(99);
  ours.close();
});

test('operators take of what is kept, down to what the others need', () => {
  const { process, descriptors: ours } = descriptors(11, 1);
  expect(ours.admitOperator()).toBe(true);
  expect(process).toMatchObject({ free: 12, idle: 0 });
  process.free = 6;
  expect(ours.admitOperator()).toBe(true);
  process.free = 5;
  expect(ours.admitOperator()).toBe(false);
});

test('a client could stay if those who are idle made room for it and for its upstream', () => {
  const { descriptors: ours } = descriptors(10, 0);
  expect(ours.couldAdmit(3)).toBe(false);
  expect(ours.couldAdmit(4)).toBe(true);
});

test('half of what is left is given away before it is counted again', () => {
  const { process, descriptors: ours } = descriptors(33, 0);
  for (let i = 0; i < 11; i++) expect(ours.admit()).toBe(true);
  expect(process.counted).toBe(1);
  expect(ours.admit()).toBe(true);
  expect(process.counted).toBe(2);
});
