import { describe, expect, test } from 'vitest';
import { type HeadFields, noFields, RawFields } from '../../../src/http/head-fields.ts';
import { HeadParser, HeadProgress } from '../../../src/http/wire/head-parser.ts';

const raw = ['Host', 'a', 'COOKIE', 'one', 'X-Y', 'z', 'cookie', 'two\xe9', 'Cook_ie', 'other'];

function parsed(): HeadParser {
  const lines = raw.flatMap((text, i) => (i % 2 === 0 ? [`${text}: ${raw[i + 1]}\r\n`] : []));
  const head = Buffer.from(`GET / HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  const parser = new HeadParser('request');
  expect(parser.feed(head, 0, head.length)).toBe(HeadProgress.head);
  return parser;
}

const kinds: readonly (readonly [string, () => HeadFields])[] = [
  ['strings', () => new RawFields(raw)],
  ['the bytes of a head', parsed],
];

describe.each(kinds)('fields read from %s', (_, make) => {
  test('are found by name in any case, all of them, in order, byte for byte', () => {
    expect(make().values('cookie')).toEqual(['one', 'two\xe9']);
    expect(make().values('x-y')).toEqual(['z']);
    expect(make().values('x-z')).toEqual([]);
  });

  test('are found by the beginning of their names, in any case', () => {
    expect(make().hasFamily('cook')).toBe(true);
    expect(make().hasFamily('x-y')).toBe(true);
    expect(make().hasFamily('x-yz')).toBe(false);
    expect(make().hasFamily('ookie')).toBe(false);
  });

  test('are all there as pairs', () => {
    expect(make().pairs()).toEqual(raw);
  });
});

test('of a head that is gone nothing is read', () => {
  expect(noFields.values('host')).toEqual([]);
});
