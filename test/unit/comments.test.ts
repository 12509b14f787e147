/** A line of a comment has at most as many columns as a line of code, which the formatter holds alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const columns = 120;
const src = join(import.meta.dirname, '../../src');
const rooms = [
  'admin',
  'admission',
  'catalogue',
  'config/language',
  'drain',
  'front',
  'http',
  'limits',
  'relay',
  'routes',
  'upstream',
  'websocket',
];

test.each(rooms)('the comments of %s fit', (room) => {
  const long = readdirSync(join(src, room), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => {
      const lines = readFileSync(join(src, room, path), 'utf8').split('\n');
      return lines.flatMap((line, i) =>
        /^ *(?:\*|\/\/|\/\*)/.test(line) && line.length > columns ? [`${path}:${i + 1}`] : [],
      );
    });
  expect(long).toEqual([]);
});
