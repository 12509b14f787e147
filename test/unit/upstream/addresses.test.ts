import { describe, expect, test } from 'vitest';
import { type Address, interleave, literalAddress, shareLookups } from '../../../src/upstream/addresses.ts';

const of = (text: string): Address[] =>
  text.split(' ').map((address) => ({ address, family: address.startsWith('6') ? 6 : 4 }));
const words = (addresses: readonly Address[]) => addresses.map(({ address }) => address).join(' ');

describe('the order of attempts', () => {
  test.each([
    ['6a 6b 4a 4b', '6a 4a 6b 4b'],
    ['4a 4b 6a', '4a 6a 4b'],
    ['6a 4a 4b 4c', '6a 4a 4b 4c'],
    ['4a 4b', '4a 4b'],
    ['6a', '6a'],
  ])('of %s is %s', (given, tried) => {
    expect(words(interleave(of(given)))).toBe(tried);
  });

  test('of nothing is nothing', () => {
    expect(interleave([])).toEqual([]);
  });
});

test('an address that is written as one needs no resolver', () => {
  expect(literalAddress('127.0.0.1')).toEqual({ address: '127.0.0.1', family: 4 });
  expect(literalAddress('::1')).toEqual({ address: '::1', family: 6 });
  expect(literalAddress('localhost')).toBeNull();
});

describe('look-ups', () => {
  test('of one name at the same time are one, and those after it are new', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const lookup = shareLookups((name) => {
      asked.push(name);
      return new Promise((resolve) => answers.push(() => resolve(of('4a'))));
    });
    const [first, second, other] = [lookup('a'), lookup('a'), lookup('b')];
    expect(asked).toEqual(['a', 'b']);
    for (const answer of answers) answer();
    expect(await first).toBe(await second);
    await other;
    void lookup('a');
    expect(asked).toEqual(['a', 'b', 'a']);
  });

  test('that fail are forgotten too', async () => {
    let asked = 0;
    const lookup = shareLookups(() => {
      asked++;
      return Promise.reject(new Error('ENOTFOUND'));
    });
    await expect(lookup('a')).rejects.toThrow('ENOTFOUND');
    await expect(lookup('a')).rejects.toThrow('ENOTFOUND');
    expect(asked).toBe(2);
  });
});
