import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Changes } from '../../../src/http/changes.ts';
import { queryOf, withoutParameters } from '../../../src/http/query.ts';

test('parameters are decoded as forms are', () => {
  expect([...queryOf('/a?x=1&y=3&x=2', 'x')]).toEqual(['1', '2']);
  expect([...queryOf('/a?x=1+2%2B3&%78=%41%C3%A9&x', 'x')]).toEqual(['1 2+3', 'Aé', '']);
  expect([...queryOf('/a?a+b=1&a%20b=2&=3', 'a b')]).toEqual(['1', '2']);
  expect([...queryOf('/a?x=a=b?c&=3', 'x')]).toEqual(['a=b?c']);
  expect([...queryOf('/a', 'x')]).toEqual([]);
  expect([...queryOf('/a?', 'x')]).toEqual([]);
});

test.each([
  ['/a?100%=1&100%25=2', '100%', ['1', '2']],
  ['/a?x%3Dy=1&x=y=2', 'x=y', ['1']],
  ['/a?token%=1&token%7=2&token%zz=3&toke%6E=4&toke%6e=5&%74oken=6', 'token', ['4', '5', '6']],
  ['/a?token&tokens=1&toke=2&=3&&token=&token', 'token', ['', '', '']],
  ['/a?%c4%b1=1&i=2&%69=3', 'i', ['2', '3']],
  ['/a#?x=1?x=2', 'x', ['1?x=2']],
])('%s has for %s %j', (target, name, values) => {
  expect([...queryOf(target, name)]).toEqual(values);
  // The same are taken out.
  expect([...queryOf(withoutParameters(target, new Set([name])), name)]).toEqual([]);
});

test('what is kept stays byte for byte, and no more is decoded than is asked for', () => {
  const names = new Set(['t', 'u']);
  expect(withoutParameters('/a?b&t=1&&c=%zz&u&d=?&t', names)).toBe('/a?b&&c=%zz&d=?');
  expect(withoutParameters('/a?t=1&u=2', names)).toBe('/a');
  expect(withoutParameters('/a?', names)).toBe('/a?');
  expect(withoutParameters('/a', names)).toBe('/a');
  expect(withoutParameters('/a?&', names)).toBe('/a?&');
  const decoding = vi.spyOn(globalThis, 'decodeURIComponent');
  onTestFinished(() => void decoding.mockRestore());
  const [first] = queryOf(`/?${'t=%41&'.repeat(10_000)}`, 't');
  expect(first).toBe('A');
  expect(decoding).toHaveBeenCalledOnce();
});

describe('what cannot be decoded', () => {
  test.each(['%', '%4', '%zz', '%ff', '%c3', '%c3x%a9', '%ed%a0%80', '%41%', '%c0%ae'])(
    '%s stands as it came',
    (text) => {
      expect([...queryOf(`/a?x=1+${text}`, 'x')]).toEqual([`1 ${text}`]);
      expect(() => decodeURIComponent(text)).toThrow();
    },
  );

  test('takes no exception, of which a stranger could cause 30 000', () => {
    const decoding = vi.spyOn(globalThis, 'decodeURIComponent');
    onTestFinished(() => void decoding.mockRestore());
    const changes = new Changes();
    changes.removeParameter('t');
    for (const pair of ['%', '%ff', '%=%', '%zz=%ff', 't=%', '%74=%ff', '%c3%a9']) {
      expect([...queryOf(`/?${pair}&t=%41`, 't')].at(-1)).toBe('A');
      changes.target(`/?${pair}&t=%41`);
    }
    expect(decoding).toHaveBeenCalled();
    expect(decoding.mock.results.filter(({ type }) => type === 'throw')).toEqual([]);
  });
});
