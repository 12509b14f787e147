import { expect, test } from 'vitest';
import { linesOf } from '../../../../src/admission/auth/file.ts';
import { parseRevoked } from '../../../../src/admission/auth/files.ts';

async function contentsOf(text: string): Promise<string[]> {
  const contents: string[] = [];
  for await (const lines of linesOf(text)) contents.push(...lines.map(({ number, content }) => `${number}:${content}`));
  return contents;
}

test.each([
  ['', []],
  ['\n\n', []],
  ['a', ['1:a']],
  ['a\n', ['1:a']],
  ['# a\r\n  b \r\n\n #c\nd', ['2:b', '5:d']],
])('the lines of %j', async (text, lines) => {
  expect(await contentsOf(text)).toEqual(lines);
});

test('messages pass while a long list is read, and every line of it counts', async () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `u${i}`);
  let turns = 0;
  let isRead = false;
  const turn = () => {
    turns++;
    if (!isRead) setImmediate(turn);
  };
  turn();
  const parsed = await parseRevoked(`${names.join('\n')}\n`);
  isRead = true;
  expect(turns).toBeGreaterThan(150);
  expect(parsed).toEqual({ value: new Set(names) });
  expect(await parseRevoked(`${names.join('\n')}\n\u0000`)).toEqual({
    problem: 'line 100001 is no name; write one name in each line',
  });
  // Lines that say nothing are no reason to go on without a stop.
  const before = turns;
  isRead = false;
  turn();
  expect(await parseRevoked('#\n'.repeat(100_000))).toEqual({ value: new Set() });
  isRead = true;
  expect(turns - before).toBeGreaterThan(150);
});
