import { expect, test } from 'vitest';
import { loadCompiler } from '../../../src/validation/schema.ts';
import { Fuel } from '../../../src/validation/types.ts';

const compile = await loadCompiler();

function problemOf(schema: unknown): string {
  const compiled = compile(typeof schema === 'string' ? schema : JSON.stringify(schema));
  return 'problem' in compiled ? compiled.problem : 'none';
}

test('a file that is no schema says so: no JSON, a list, another draft, a misspelt word, a file elsewhere', () => {
  expect(problemOf('{')).toMatch(/^is no JSON: /);
  expect(problemOf([])).toBe('is no JSON Schema; write an object');
  expect(problemOf('null')).toBe('is no JSON Schema; write an object');
  expect(problemOf({ $schema: 'http://json-schema.org/draft-04/schema#' })).toMatch(
    /^has another \$schema than it may; write /,
  );
  expect(problemOf({ requird: ['a'] })).toBe('cannot be compiled: strict mode: unknown keyword: "requird"');
  expect(problemOf({ type: 'strnig' })).toMatch(/^cannot be compiled: schema is invalid/);
  expect(problemOf({ $ref: 'https://example.org/other.json' })).toMatch(/^cannot be compiled: can't resolve reference/);
});

test('both drafts are read, and what Pydantic writes', () => {
  expect(
    problemOf({ $schema: 'http://json-schema.org/draft-07/schema#', $ref: '#/definitions/a', definitions: { a: {} } }),
  ).toBe('none');
  expect(problemOf({ $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{}] })).toBe('none');
  expect(problemOf(true)).toBe('none');
  const pydantic = {
    $defs: {
      Load: { title: 'Load', type: 'object', properties: { at: { format: 'date-time', type: 'string', default: '' } } },
    },
    discriminator: { mapping: { load: '#/$defs/Load' }, propertyName: 'type' },
    oneOf: [{ $ref: '#/$defs/Load' }],
  };
  expect(problemOf(pydantic)).toBe('none');
});

test('references are followed, also those that are found while judging', () => {
  const compiled = compile(
    JSON.stringify({
      $dynamicAnchor: 'node',
      properties: { next: { $dynamicRef: '#node' } },
      additionalProperties: false,
    }),
  );
  if ('problem' in compiled) throw new Error(compiled.problem);
  const fuel = new Fuel(1000);
  expect(compiled.value({ next: { next: {} } }, fuel)).toBeNull();
  expect(compiled.value({ next: { more: 1 } }, fuel)).toEqual({ rule: 'additionalProperties', path: '/next' });
});

test('what would take a peer’s time without end is refused by name', () => {
  expect(problemOf({ allOf: [{ $ref: '#' }] })).toMatch(/^refers to itself without end/);
  expect(problemOf({ pattern: '(?=a)b' })).toMatch(/^has a pattern that looks around/);
  expect(problemOf({ pattern: '(a)\\1' })).toMatch(/^has a pattern that refers back/);
  expect(problemOf({ patternProperties: { '(?<n>a)\\k<n>': {} } })).toMatch(/^has a pattern that refers back/);
  expect(problemOf({ pattern: '(((a{100}){100}){100})' })).toBe('has a pattern that is longer than 1000 steps');
  expect(problemOf({ pattern: '('.repeat(60) + ')'.repeat(60) })).toBe('has a pattern that nests more than 50 groups');
  expect(problemOf({ pattern: '(' })).toMatch(/^has a pattern that is no regular expression|^cannot be compiled/);
});

test('a key that the schema does not name is not told: it may be a secret', () => {
  const inner = { type: 'string' };
  const compiled = compile(JSON.stringify({ properties: { 'a/b': { additionalProperties: { items: inner } } } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const place = (value: unknown) => compiled.value(value, new Fuel(1000));
  expect(place({ 'a/b': { 'sk-secret': ['x', 3] } })).toEqual({ rule: 'type', path: '/a~1b/*/1' });
  expect(place({ 'a/b': { 4111111111111111: [3] } })).toEqual({ rule: 'type', path: '/a~1b/*/0' });
});

test('one pattern is not taken for another', () => {
  const compiled = compile(JSON.stringify({ properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const fuel = new Fuel(1000);
  expect(compiled.value({ a: 'a', b: 'b' }, fuel)).toBeNull();
  expect(compiled.value({ a: 'a', b: 'a' }, fuel)).toEqual({ rule: 'pattern', path: '/b' });
});
