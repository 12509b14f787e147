import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withLimitTable } from '../../../../src/config/model/limit-table.ts';
import { builtIn } from '../../../../src/config/model/route-settings.ts';

const written = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');

test('the table in README.md is what the settings and the catalogue say (npm run docs)', () => {
  expect(written).toBe(withLimitTable(written));
});

test('it has every setting that is a limit', () => {
  const limits = Object.keys(builtIn).filter((key) =>
    /^limits\.(?!mode|connections\.on_limit)|^http\.max|^idle|^max_lifetime/.test(key),
  );
  const names = limits.map((key) => key.replace(/^limits\.(client\.|upstream\.)?/, ''));
  for (const name of [...names, 'memory.max_buffered']) expect(written).toContain(`| \`${name}\` |`);
});

test('what is between the marks is replaced, and nothing else', () => {
  const marked = written.slice(written.indexOf('<!-- limits'));
  expect(withLimitTable(`before\n${marked.replace('| 1009 |', '| 1008 |')}`)).toBe(`before\n${marked}`);
  expect(() => withLimitTable('no marks')).toThrow('must have <!-- limits');
});
