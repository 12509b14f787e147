import { expect, test } from 'vitest';
import { LinearPattern, UnfitPattern } from '../../../src/validation/linear-pattern.ts';
import { Fuel } from '../../../src/validation/types.ts';

const matches = (source: string, text: string) => new LinearPattern(source).test(text, new Fuel(1e9));

test('patterns as people write them match as they do elsewhere', () => {
  const cases: [source: string, good: string, bad: string][] = [
    ['^[A-Za-z0-9._-]{1,64}$', 'a.csv', 'a/b'],
    ['^\\d{4}-(0[1-9]|1[0-2])-\\d\\d$', '2026-11-29', '2026-13-29'],
    ['^(?:[a-z]+|\\d+)(?:,(?:[a-z]+|\\d+))*$', 'a,1,b', 'a,,b'],
    ['^(?<name>[\\w-]+)\\.csv$', 'a-1.csv', '.csv'],
    ['^\\p{Lu}\\p{L}*$', 'Éa', 'éa'],
    ['^[^\\]\\\\]+$', 'ab', 'a]b'],
    ['^\\u{1F600}\\ud83d\\ude00\\x41\\u0042\\cJ$', '😀😀AB\n', 'x'],
    ['\\bcat\\b', 'a cat', 'concat'],
    ['a\\Bb', 'ab', 'a b'],
    ['^a{2,3}?$', 'aaa', 'aaaa'],
    ['^(a|)$', '', 'b'],
    ['^a{0}b$', 'b', 'ab'],
    ['^.$', '😀', '\n'],
    ['^(?:){99999999999999999999}(?:|a{0})*b$', 'b', 'a'],
    ['^(a*)*(b|c+){2,}$', 'aacb', 'aab'],
  ];
  for (const [source, good, bad] of cases) {
    expect([source, matches(source, good), matches(source, bad)]).toEqual([source, true, false]);
  }
});

test('a long text costs fuel as it is long, and no more than there is', () => {
  const text = 'a'.repeat(1000);
  const cost = (length: number) => {
    let burnt = 0;
    const fuel = { burn: (units: number) => (burnt += units) } as unknown as Fuel;
    new LinearPattern('^(a|a)*$').test('a'.repeat(length), fuel);
    return burnt;
  };
  expect(cost(2000) / cost(1000)).toBeCloseTo(2, 1);
  expect(() => new LinearPattern('^(a|a)*$').test(text, new Fuel(10))).toThrow();
});

test('the work at the end of a text costs as that at every other place does, also where the text is empty', () => {
  const many = Array.from({ length: 200 }, (_, i) => String.fromCodePoint(0x100 + i)).join('|');
  for (const source of [`^(?:${many})$`, `^(?:${many}|)$`]) {
    const pattern = new LinearPattern(source);
    expect(pattern.test('', new Fuel(1000))).toBe(source.includes('|)'));
    expect(() => pattern.test('', new Fuel(10)), source).toThrow();
  }
});

test('what takes more than linear time is refused', () => {
  for (const source of ['(?!a)', '(?<=a)b', '(?i:a)', '(a)\\1', '(']) {
    expect(() => new LinearPattern(source), source).toThrow(UnfitPattern);
  }
});
