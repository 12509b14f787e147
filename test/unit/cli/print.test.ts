import { expect, test } from 'vitest';
import { plain } from '../../../src/cli/print.ts';

test.each([
  ['a title of the window', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
  ['what clears the screen', '\x1b[2J\x1b[Hclean', '\\x1b[2J\\x1b[Hclean'],
  ['a C1 control', '\x9b2J', '\\x9b2J'],
  ['a carriage return that hides a line', 'error  x\rok', 'error  x\\x0dok'],
  ['a colour that hides what follows', '\x1b[8mhidden', '\\x1b[8mhidden'],
  ['a direction turned around', 'a\u202eb', 'a\\u202eb'],
])('%s is shown and not obeyed', (_, text, shown) => {
  expect(plain(text)).toBe(shown);
});

test.each(['two\nlines\tand a tab\n', '\x1b[31merror\x1b[39m  ü €', '\x1b[1mx\x1b[22m'])(
  '%j stays as it is',
  (text) => {
    expect(plain(text)).toBe(text);
  },
);
