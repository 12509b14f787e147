import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainAddress, subscriberOf } from '../../../src/admission/ip.ts';

test.each([
  [
    '5.5.5.5',
    ['5.5.5.5', '::ffff:5.5.5.5', '::FFFF:505:505', '0:0:0:0:0:ffff:0505:0505', '5.5.5.5:1234', '[::ffff:5.5.5.5]:1'],
  ],
  [
    '2001:db8:1::1',
    ['2001:db8:1::1', '2001:0DB8:1:0:0:0:0:1', '[2001:db8:1::1]:443', '2001:db8:1::0001%eth0', '2001:db8:1::0.0.0.1'],
  ],
  ['::', ['::', '0:0:0:0:0:0:0:0', '0::0']],
  ['::1', ['::1', '[::1]']],
  ['1::', ['1::', '1:0:0:0:0:0:0:0']],
  ['1:0:0:2::3', ['1:0:0:2:0:0:0:3']],
  ['1:2:3:4:5:6:0:8', ['1:2:3:4:5:6:0:8']],
  ['::505:505', ['::5.5.5.5']],
])('%s has one text, whatever its spelling', (plain, spellings) => {
  expect(spellings.map((spelling) => plainAddress(spelling))).toEqual(spellings.map(() => plain));
});

test.each(['', 'unknown', '_hidden', '1.2.3', '1.2.3.4.5', '1.2.3.4 ', ':::', '1:2', '[1.2.3.4', 'fe80::1::2'])(
  '%j is no address',
  (text) => {
    expect(plainAddress(text)).toBeNull();
  },
);

test('any address has a text that means the same, and its text has none but itself', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const plain = plainAddress(address)!;
      expect(plainAddress(plain)).toBe(plain);
      // The standard that URLs are written by is another reader.
      const url = new URL(`http://[${address}]/`).hostname.slice(1, -1);
      expect(plainAddress(url)).toBe(plain);
      if (plain.includes(':')) expect(url).toBe(plain);
    }),
  );
});

test('one subscriber has a network of IPv6, and one address of IPv4', () => {
  expect(subscriberOf('5.5.5.5', 64)).toBe('5.5.5.5');
  expect(subscriberOf('unix', 64)).toBe('unix');
  expect(subscriberOf('2001:db8::1:2:3:4', 64)).toBe('2001:db8::/64');
  expect(subscriberOf('2001:db8:a:b:1:2:3:4', 56)).toBe('2001:db8:a::/56');
  expect(subscriberOf('2001:db8:a:bcd:1:2:3:4', 56)).toBe('2001:db8:a:b00::/56');
  expect(subscriberOf('2001:db8::1', 128)).toBe('2001:db8::1');
  expect(subscriberOf('ffff::1', 1)).toBe('8000::/1');
});

// Flowfin/jellyfin-plugin-sso#194: all clients of IPv4 behind a translator were one.
test('an IPv4 address that a translator has put into IPv6 counts for itself', () => {
  expect(subscriberOf('64:ff9b::c000:201', 64)).toBe('64:ff9b::c000:201');
  expect(subscriberOf('64:ff9b::201', 64)).toBe('64:ff9b::201');
  expect(subscriberOf('64:ff9b::1:c000:201', 64)).toBe('64:ff9b::/64');
  expect(subscriberOf('64:ff9b:1::c000:201', 64)).toBe('64:ff9b:1::/64');
});
