import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Changes } from '../../../src/http/changes.ts';
import { parameterName, queryOf } from '../../../src/http/query.ts';

test('parameters are decoded as forms are', () => {
  expect(queryOf('/a?x=1&y=3&x=2', 'x')).toEqual(['1', '2']);
  expect(queryOf('/a?x=1+2%2B3&%78=%41%C3%A9&x', 'x')).toEqual(['1 2+3', 'Aé', '']);
  expect(queryOf('/a?a+b=1&a%20b=2&=3', 'a b')).toEqual(['1', '2']);
  expect(queryOf('/a?x=a=b?c&=3', 'x')).toEqual(['a=b?c']);
  expect(queryOf('/a', 'x')).toEqual([]);
  expect(queryOf('/a?', 'x')).toEqual([]);
});

describe('what cannot be decoded', () => {
  test.each(['%', '%4', '%zz', '%ff', '%c3', '%c3x%a9', '%ed%a0%80', '%41%', '%c0%ae'])(
    '%s stands as it came',
    (text) => {
      expect(parameterName(`${text}=1`)).toBe(text);
      expect(queryOf(`/a?x=1+${text}`, 'x')).toEqual([`1 ${text}`]);
      expect(() => decodeURIComponent(text)).toThrow();
    },
  );

  test('takes no exception, of which a stranger could cause 30 000', () => {
    const decoding = vi.spyOn(globalThis, 'decodeURIComponent');
    onTestFinished(() => void decoding.mockRestore());
    const changes = new Changes();
    changes.removeParameter('t');
    for (const pair of ['%', '%ff', '%=%', '%zz=%ff', 't=%', '%74=%ff', '%c3%a9']) {
      queryOf(`/?${pair}&t=%41`, 't');
      changes.target(`/?${pair}&t=%41`);
    }
    expect(decoding).toHaveBeenCalled();
    expect(decoding.mock.results.filter(({ type }) => type === 'throw')).toEqual([]);
  });
});
