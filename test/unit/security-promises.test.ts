/**
 * SECURITY.md and docs/security.md promise only what tests hold: they name them, and the lists in them are the code's.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtIn } from '../../src/config/model/route-settings.ts';
import { kindOf } from '../../src/http/fields.ts';
import { Field, fieldOf } from '../../src/http/wire/names.ts';

const root = join(import.meta.dirname, '../..');
const policy = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const model = readFileSync(join(root, 'docs/security.md'), 'utf8');

const sectionOf = (text: string, heading: string) => text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
const namesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
/** The rows of a section's tables, each as its cells. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (.+) \| (.+) \|$/gm)]
    .map(([, promise, tests]) => ({ promise: promise!, tests: namesIn(tests!) }))
    .filter(({ promise }) => promise !== 'promise');

const promises = [...sectionOf(policy, 'What it promises').matchAll(/^- \*\*(.+?)[.,:]?\*\*/gms)].map(([, title]) =>
  title!.replaceAll(/\s+/g, ' ').replace(/[.,:]$/, ''),
);
const held = rowsOf(sectionOf(model, 'What is promised, and what holds it'));
const heldOfPolicy = rowsOf(sectionOf(model, 'What holds the promises of SECURITY.md'));

/** Whether a path is that of tests, or of a folder with some. */
function holdsTests(path: string): boolean {
  const full = join(root, path);
  if (!path.startsWith('test/') || !existsSync(full)) return false;
  if (!statSync(full).isDirectory()) return path.endsWith('.test.ts');
  return readdirSync(full, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.test.ts'));
}

test('every promise of SECURITY.md has a row in docs/security.md, and the table names no other', () => {
  expect(promises.length).toBeGreaterThan(25);
  expect(heldOfPolicy.map(({ promise }) => promise)).toEqual(promises);
});

test('every promise names tests, and they are there', () => {
  expect(held.length).toBeGreaterThan(25);
  for (const { promise, tests } of [...held, ...heldOfPolicy]) {
    expect(tests, promise).not.toEqual([]);
    for (const path of tests) expect(holdsTests(path), `${promise}: ${path}`).toBe(true);
  }
});

test('files of the code that SECURITY.md names are there', () => {
  const files = namesIn(policy).filter((name) => /^(?:src|docs|test)\//.test(name));
  expect(files).not.toEqual([]);
  for (const path of files) expect(existsSync(join(root, path)), path).toBe(true);
});

const forwarding = /\*\*Forwarding headers(.+?)^- \*\*/ms.exec(policy)?.[1] ?? '';
/** As they stand there; `*` is any end. */
const headers = namesIn(forwarding).filter((name) => /^[A-Z][\w-]+\*?$/.test(name));

test('the names of headers in SECURITY.md are those that only a trusted proxy may say, in both lanes', () => {
  const passing = ['Connection', 'X-HTTP-Method-Override'];
  const kept = headers.filter((name) => !passing.includes(name));
  expect(kept.length).toBeGreaterThan(20);
  for (const name of kept) {
    for (const spelled of [name, name.replaceAll('-', '_'), name.toUpperCase().replaceAll('-', '.')]) {
      const field = spelled.replace('*', 'Anything');
      const bytes = Buffer.from(field);
      expect([field, kindOf(field)]).toEqual([field, expect.stringMatching(/^(?:told|forwarding)$/)]);
      expect([field, [Field.told, Field.forwarding]]).toEqual([
        field,
        expect.arrayContaining([fieldOf(bytes, 0, bytes.length)]),
      ]);
    }
  }
  expect(headers).toContain('X-HTTP-Method-Override');
  expect(kindOf('X-HTTP-Method-Override')).toBe('other');
});

test('the limits that SECURITY.md calls finite are, where nobody sets them', () => {
  const bySender = ['max_fragments', 'message_timeout', 'max_buffer_size', 'max_queue', 'max_pause'] as const;
  const keys = [
    'limits.client.max_message_size',
    'limits.connections.max',
    'http.max_body_size',
    ...bySender.flatMap((key) => [`limits.client.${key}`, `limits.upstream.${key}`] as const),
  ] as const;
  const rates = [builtIn['limits.client.max_control_rate'], builtIn['limits.upstream.max_control_rate']];
  for (const bound of [...keys.map((key) => builtIn[key]), ...rates.map(({ perSecond }) => perSecond)]) {
    expect(bound).toBeGreaterThan(0);
    expect(bound).toBeLessThan(Number.POSITIVE_INFINITY);
  }
  expect(builtIn['limits.upstream.max_message_size']).toBe(Number.POSITIVE_INFINITY);
  expect(builtIn['limits.connections.max_per_address']).toBe(Number.POSITIVE_INFINITY);
});
