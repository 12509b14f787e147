import { describe, expect, test } from 'vitest';
import { code, paragraph, replaceMarked, table } from '../../src/markdown.ts';

test('a table has its head, a line, and its rows', () => {
  const rows = [
    [code('x'), 'y'],
    ['', ''],
  ];
  expect(table(['a', ''], rows)).toBe('| a | |\n|---|---|\n| `x` | y |\n| | |');
});

describe('a paragraph', () => {
  test('has lines of at most 120 columns', () => {
    const lines = paragraph(`${'word '.repeat(60)}end`).split('\n');
    expect(lines.map((line) => line.length)).toEqual([119, 119, 63]);
    expect(lines.join(' ')).toBe(`${'word '.repeat(60)}end`);
  });

  test('keeps code in one piece, and a word that is longer than a line', () => {
    const [long, command] = ['x'.repeat(130), `\`${'a '.repeat(50)}\``];
    expect(paragraph(`${long} ${'b'.repeat(30)} ${command}, and on`)).toBe(
      `${long}\n${'b'.repeat(30)}\n${command}, and on`,
    );
  });

  test('goes on below the first word of an entry of a list', () => {
    expect(paragraph(`- ${'word '.repeat(30)}`, '  ')).toMatch(/^- word.*\n {2}word/);
    expect(paragraph('')).toBe('');
  });

  test('loses nothing where a mark of code has no other', () => {
    expect(paragraph('a `b c')).toBe('a `b c');
  });
});

test('what is between the marks of a page is replaced, and nothing else', () => {
  const page = (text: string) => `before\n<!-- part: from here -->\n\n${text}\n\n<!-- /part -->\nafter\n`;
  expect(replaceMarked(page('old\n\nolder'), 'part', 'new $1\n')).toBe(page('new $1'));
  expect(() => replaceMarked('no marks', 'part', '')).toThrow('must have <!-- part');
});
