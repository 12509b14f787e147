import { expect, test } from 'vitest';
import { holderOf, placesOfGreatest } from '../../../src/admin/share.ts';

test('a client is counted by its address, one of IPv6 by its network', () => {
  expect(holderOf('10.1.2.3')).toBe(holderOf('::ffff:10.1.2.3'));
  expect(holderOf('10.1.2.3')).not.toBe(holderOf('10.1.2.4'));
  expect(holderOf('2001:db8::1')).toBe(holderOf('2001:db8::ffff:2'));
  expect(holderOf('2001:db8::1')).not.toBe(holderOf('2001:db8:0:1::1'));
  expect(holderOf(undefined)).toBe('unix');
});

test('whoever has most is found, with its places in their order', () => {
  const places = ['2001:db8::1', '10.0.0.1', '2001:db8::2', '10.0.0.2', '2001:db8::3', '10.0.0.1'].map(
    (remoteAddress) => ({ remoteAddress }),
  );
  expect(placesOfGreatest(places).map(({ remoteAddress }) => remoteAddress)).toEqual([
    '2001:db8::1',
    '2001:db8::2',
    '2001:db8::3',
  ]);
  expect(placesOfGreatest([])).toEqual([]);
});
