import { expect, test } from 'vitest';
import { Roster, type Rostered } from '../../../src/relay/roster.ts';

const member = (name: string) => ({ name, rosterPlace: -1 });

test('holds each member once, and lets any go', () => {
  const roster = new Roster<Rostered & { name: string }>();
  const [a, b, c] = [member('a'), member('b'), member('c')];
  for (const one of [a, b, c, b]) roster.add(one);
  expect([roster.size, [...roster]]).toEqual([3, [a, b, c]]);
  roster.delete(a);
  expect([roster.has(a), roster.has(b), roster.has(c), roster.size]).toEqual([false, true, true, 2]);
  roster.delete(a);
  roster.delete(b);
  expect([...roster]).toEqual([c]);
  roster.delete(c);
  expect([roster.size, a.rosterPlace, b.rosterPlace, c.rosterPlace]).toEqual([0, -1, -1, -1]);
  roster.add(b);
  expect([...roster]).toEqual([b]);
});

test('a member of another roster is none', () => {
  const [one, other] = [new Roster(), new Roster()];
  const [a, b] = [member('a'), member('b')];
  one.add(a);
  other.add(b);
  one.delete(b);
  expect([one.size, other.size, other.has(b)]).toEqual([1, 1, true]);
});

test('who goes while all are looked at is looked at all the same', () => {
  const roster = new Roster<ReturnType<typeof member>>();
  const all = ['a', 'b', 'c', 'd'].map(member);
  for (const one of all) roster.add(one);
  const seen: string[] = [];
  for (const one of roster) {
    seen.push(one.name);
    roster.delete(one);
  }
  expect([seen, roster.size]).toEqual([['a', 'b', 'c', 'd'], 0]);
});
