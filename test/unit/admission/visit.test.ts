import { expect, test } from 'vitest';
import { RawFields } from '../../../src/http/head-fields.ts';
import { admissionRoute, testVisit } from '../../helpers/visit.ts';

test('knows its path, and whom it counts for', () => {
  const visit = testVisit({ target: '/a/b?c=/d', address: '2001:db8:1:2:3::4' });
  expect([visit.path, visit.address, visit.subscriber]).toEqual(['/a/b', '2001:db8:1:2:3::4', '2001:db8:1:2::/64']);
  expect(testVisit({ target: '/a' }).path).toBe('/a');
});

test('has the name that authentication found, or else the one that the request says', () => {
  const eve = { name: 'eve', raw: null, vouched: true };
  const visit = testVisit({ named: eve });
  expect(visit.facts).toMatchObject({ user: 'eve', target: '/', host: 'gateway.test', address: '192.0.2.1' });
  visit.identity = { name: 'ann', user: 'ann', groups: [], expiresAtMs: null, kind: 'basic' };
  expect(visit.user).toBe('ann');
});

test('counts for the user whom somebody vouches for; where a route authenticates, for whom that has let in alone', () => {
  const named = { name: 'eve', raw: null, vouched: false };
  const auth = [{ kind: 'header', name: 'x-user' } as const];
  expect(testVisit().countedUser).toBe(null);
  expect(testVisit({ named }).countedUser).toEqual({ key: '=eve', vouched: false });
  const visit = testVisit({ named, route: admissionRoute({ auth }) });
  expect(visit.countedUser).toBe(null);
  visit.identity = { name: 'ann', user: 'ann', groups: [], expiresAtMs: null, kind: 'basic' };
  expect(visit.countedUser).toEqual({ key: '=ann', vouched: true });
});

test('a field that comes twice has no value, for nobody knows which counts', () => {
  const visit = testVisit({ headers: ['A', '1', 'B', '2', 'b', '3'] });
  expect([visit.value('a'), visit.value('b'), visit.value('c')]).toEqual(['1', undefined, undefined]);
  expect(visit.values('b')).toEqual(['2', '3']);
});

test('of a handshake whose head is dropped the log still says the origin', () => {
  const visit = testVisit({ kind: 'websocket', headers: ['Origin', 'https://a.example', 'A', '1'] });
  visit.dropHead();
  expect([visit.facts.origin, visit.values('a')]).toEqual(['https://a.example', []]);
});

test('a head that is kept does not change with what it was read from; one that is dropped is not read', () => {
  let pairs = ['A', '1'];
  const values = (name: string) => new RawFields(pairs).values(name);
  const fields = { values, pairs: () => pairs, hasFamily: () => false };
  const [kept, dropped] = [testVisit({ fields }), testVisit({ fields })];
  kept.keepHead();
  dropped.dropHead();
  pairs = ['A', "another's"];
  expect([kept.value('a'), kept.headers, dropped.values('a'), dropped.headers]).toEqual(['1', ['A', '1'], [], []]);
});

test('gives back what was lent, the last first, once', () => {
  const given: string[] = [];
  const lend = (name: string) => ({ [Symbol.dispose]: () => void given.push(name) });
  const visit = testVisit();
  visit.lend(lend('first'));
  visit.lend(lend('second'));
  visit.giveBack();
  visit.giveBack();
  expect(given).toEqual(['second', 'first']);
});

test('what was lent may go on to somebody else, who gives it back', () => {
  let given = 0;
  const visit = testVisit();
  visit.lend({ [Symbol.dispose]: () => given++ });
  const loan = visit.takeLoan();
  visit.giveBack();
  expect(given).toBe(0);
  loan?.dispose();
  expect([given, visit.takeLoan()]).toEqual([1, null]);
});

test('its signal aborts when the client leaves, whether it was asked for before or after', () => {
  const [early, late] = [testVisit(), testVisit()];
  const { signal } = early;
  expect([signal.aborted, early.left]).toEqual([false, false]);
  for (const visit of [early, late]) visit.leave();
  early.leave();
  expect([signal.aborted, early.left, late.signal.aborted]).toEqual([true, true, true]);
});

test('changes, loans and hooks are not there until somebody asks for them', () => {
  const visit = testVisit();
  expect([visit.changes, visit.takeLoan(), visit.hooks]).toEqual([null, null, null]);
  visit.change().setField('X-User', 'ann');
  const hook = () => null;
  visit.whenOpen(hook);
  expect([visit.change().set, visit.hooks]).toEqual([[['X-User', 'ann']], [hook]]);
  expect(visit.changes).toBe(visit.change());
});
