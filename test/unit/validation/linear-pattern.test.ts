import { expect, onTestFinished, test, vi } from 'vitest';
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
    ['^(?=.*\\d)(?=.*[a-z])(?!.*\\s).{8,}$', 'abcdefg1', 'abcdefgh'],
    ['(?<=^|,)(?:a|bc)(?=,|$)', 'x,bc,y', 'x,bcd,y'],
    ['^(?:(?!ab)[abc])+$', 'acb', 'aab'],
    ['(?<!\\d)\\d{2,3}(?!\\d)', 'a12b', '1234'],
    ['^(?=(?:a(?=b)|b(?!b))+$)', 'abab', 'abb'],
    ['(?=😀b$)😀', 'a😀b', 'a😀bb'],
  ];
  for (const [source, good, bad] of cases) {
    expect([source, matches(source, good), matches(source, bad)]).toEqual([source, true, false]);
  }
});

// pydantic/pydantic#13017 and #13630.
test('what Pydantic writes for a decimal number, with its digits bounded and not', () => {
  const plain = '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$';
  for (const good of ['1', '-0.5', '+.5', '007.', '12345.678']) expect(matches(plain, good), good).toBe(true);
  for (const bad of ['', '.', '+', '-.', '1.2.3', '1e5', 'x']) expect(matches(plain, bad), bad).toBe(false);
  const bounded = '^(?!^[-+.]*$)[+-]?0*(?:\\d{0,3}|(?=[\\d.]{1,6}0*$)\\d{0,3}\\.\\d{0,2}0*$)';
  for (const text of ['', '123', '123.45', '123.4500', '1234.5', '123.456', '.', '-1.5']) {
    expect(matches(bounded, text), text).toBe(new RegExp(bounded, 'u').test(text));
  }
});

// ajv-validator/ajv#1379 and #2017, stoplightio/spectral#1782, tdegrunt/jsonschema#311.
test('an escape that is not needed is the letter itself, and means nothing else', () => {
  expect(matches('^\\d{4}\\-\\d\\d[\\_\\-]$', '2026-11-')).toBe(true);
  // Python's re.escape of all that it escapes so.
  expect(matches('^a\\-b\\ c\\#\\&\\~\\\t\\\n$', 'a-b c#&~\t\n')).toBe(true);
  expect(matches('^[a\\-c]$', 'b')).toBe(false);
  expect(matches('^\\\\-$', '\\-')).toBe(true);
  for (const source of ['(?\\=a)', '(?\\:a)', 'a{1\\,2', '\\y', '\\Z']) {
    expect(() => new LinearPattern(source), source).toThrow('is no regular expression of ECMAScript');
  }
});

test('a long text costs fuel as it is long, and no more than there is', () => {
  const text = 'a'.repeat(1000);
  const cost = (length: number, source: string) => {
    let burnt = 0;
    const fuel = { burn: (units: number) => (burnt += units) } as unknown as Fuel;
    new LinearPattern(source).test('a'.repeat(length), fuel);
    return burnt;
  };
  for (const source of ['^(a|a)*$', '^(?:(?=(a|a)*$)(?<=^(a|a)*)a)*$']) {
    expect(cost(2000, source) / cost(1000, source)).toBeCloseTo(2, 1);
  }
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

test('a character is asked about when a text has it, once', () => {
  const asked = vi.spyOn(RegExp.prototype, 'test');
  onTestFinished(() => asked.mockRestore());
  const pattern = new LinearPattern('^[a-z]+x$');
  const before = asked.mock.calls.length;
  const found = ['abax', 'bab', 'A'].map((text) => pattern.test(text, new Fuel(1e9)));
  const calls = asked.mock.calls.map(([text]) => text);
  expect([before, calls, found]).toEqual([0, ['a', 'b', 'x', 'A'], [true, false, false]]);
});

test('a pattern that is long without a step is refused', () => {
  expect(() => new LinearPattern(`(?=a{990}${'(?:)'.repeat(2500)})`)).toThrow('is longer than 10000 characters');
});

test('what takes more than linear time is refused', () => {
  for (const source of ['(?i:a)', '(a)\\1', '(?=(a))\\1', '(?<=a)'.repeat(11), '(?=a{999})b{9}', '(']) {
    expect(() => new LinearPattern(source), source).toThrow(UnfitPattern);
  }
});
