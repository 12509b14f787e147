import { expect, test } from 'vitest';
import { formatTable, wrap } from '../../../src/cli/table.ts';

test('columns are aligned before they are painted, and nothing trails', () => {
  const paint = (text: string) => `<${text}>`;
  const rows = [
    [{ text: 'a' }, { text: 'bb', paint }, { text: 'c' }],
    [{ text: 'aaaa' }, { text: 'b' }],
    [{ text: 'x' }, { text: '' }, { text: '' }],
  ];
  expect(formatTable(rows)).toEqual(['  a     <bb>  c', '  aaaa  b', '  x']);
  expect(formatTable([[{ text: 'a' }, { text: 'b' }]], 0, [4])).toEqual(['a     b']);
});

test('text breaks at spaces, and a long word stands alone', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('see --websocket-max-message-size=1 now', 10)).toEqual(['see', '--websocket-max-message-size=1', 'now']);
  expect(wrap('', 10)).toEqual(['']);
});
