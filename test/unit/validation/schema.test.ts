import { expect, test } from 'vitest';
import { startProgram } from '../../../src/validation/program.ts';
import { loadCompiler } from '../../../src/validation/schema.ts';
import { Fuel, TooCostly } from '../../../src/validation/types.ts';
import { compile } from '../../helpers/schema-check.ts';

function problemOf(schema: unknown): string {
  const compiled = compile(typeof schema === 'string' ? schema : JSON.stringify(schema));
  return 'problem' in compiled ? compiled.problem : 'none';
}

const draft7 = 'http://json-schema.org/draft-07/schema#';

/** Thirty of them. */
const names = (each: unknown) => Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, each]));

test('a file that is no schema says so: no JSON, a list, another draft, a misspelt word, a file elsewhere', () => {
  expect(problemOf('{')).toMatch(/^is no JSON: /);
  expect(problemOf([])).toBe('is no JSON Schema; write an object');
  expect(problemOf('null')).toBe('is no JSON Schema; write an object');
  expect(problemOf({ $schema: 'http://json-schema.org/draft-04/schema#' })).toMatch(
    /^has another \$schema than it may; write /,
  );
  expect(problemOf({ requird: ['a'] })).toBe(
    'has "requird", which is no keyword of JSON Schema; correct it or remove it',
  );
  expect(problemOf({ properties: { a: { type: 'strnig' } } })).toBe(
    'cannot be compiled: it is no valid schema at /properties/a/type (it breaks "enum" of its draft)',
  );
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

test('references are followed, by place and by name', () => {
  const node = { $anchor: 'node', properties: { next: { $ref: '#node' }, over: { $ref: '#/$defs/node' } } };
  const compiled = compile(
    JSON.stringify({ $ref: '#node', $defs: { node: { ...node, additionalProperties: false } } }),
  );
  if ('problem' in compiled) throw new Error(compiled.problem);
  const fuel = new Fuel(1000);
  expect(compiled.value({ next: { over: {} } }, fuel)).toBeNull();
  expect(compiled.value({ next: { more: 1 } }, fuel)).toEqual({ rule: 'additionalProperties', path: '/next' });
});

test.each([
  ['$dynamicRef', 'write $ref', { $dynamicAnchor: 'node', properties: { next: { $dynamicRef: '#node' } } }],
  ['unevaluatedItems', 'write items, behind prefixItems', { contains: { const: 1 }, unevaluatedItems: false }],
  [
    'unevaluatedProperties',
    'write additionalProperties, and all properties in one place',
    { anyOf: [{ if: { required: ['a'] }, else: true }, true], unevaluatedProperties: true },
  ],
])('what the library judges in another way than the draft is refused by name: %s', (keyword, remedy, schema) => {
  const words = `has "${keyword}", which is not judged here; ${remedy}`;
  expect(problemOf(schema)).toBe(words);
  expect(problemOf({ properties: { a: { items: { $ref: '#/$defs/it' } } }, $defs: { it: schema } })).toBe(words);
  // What nobody refers to judges nothing, and a property may have any name.
  expect(problemOf({ $defs: { it: schema }, properties: { [keyword]: { type: 'string' } } })).toBe('none');
});

test('a list that is shorter than its places is judged by what stands behind them too', () => {
  const places = [{ type: 'number' }, { type: 'number' }, { type: 'number' }];
  const judge = (schema: object, value: unknown) => {
    const compiled = compile(JSON.stringify(schema));
    return 'problem' in compiled ? compiled.problem : (compiled.value(value, new Fuel(1000))?.rule ?? 'good');
  };
  expect(judge({ prefixItems: places, uniqueItems: true }, [1, 1])).toBe('uniqueItems');
  expect(judge({ prefixItems: places, contains: { const: 2 } }, [1, 1])).toBe('contains');
  expect(judge({ $schema: draft7, items: places, uniqueItems: true }, [1, 1])).toBe('uniqueItems');
  expect(judge({ $schema: draft7, items: places, contains: { const: 2 } }, [])).toBe('contains');
  expect(judge({ $schema: draft7, items: places, additionalItems: false }, [1, 2, 3, 4])).toBe('additionalItems');
  expect(judge({ prefixItems: places, items: false, uniqueItems: true, contains: { const: 2 } }, [1, 2])).toBe('good');
});

test('in draft 7 an $id beside a $ref is refused: it would lead the reference elsewhere', () => {
  const $schema = draft7;
  const definitions = {
    a: { $id: 'http://example.org/a', type: 'string' },
    b: { $ref: 'a', $id: 'http://example.com/' },
  };
  expect(problemOf({ $schema, $id: 'http://example.org/', definitions, $ref: '#/definitions/b' })).toBe(
    'has an $id beside a $ref; leave the $id out',
  );
  expect(problemOf({ $schema, properties: { $id: { type: 'string' }, $ref: { type: 'string' } } })).toBe('none');
});

// fastify/help#948, seriousme/fastify-openapi-glue#463, platformatic/kafka#328.
test('remarks of OpenAPI and of others are no mistakes', () => {
  const example = { type: 'string', example: 'a', xml: {}, externalDocs: {}, 'x-unit': 'm', 'x-': 1 };
  expect(problemOf({ properties: { a: example, 'x-a.b': { type: 'string' } }, 'x-order': ['a'] })).toBe('none');
  expect(problemOf({ properties: { a: { xtype: 'string' } } })).toMatch(/^has "xtype", which is no keyword/);
});

test('what would take a peer’s time without end is refused by name', () => {
  expect(problemOf({ allOf: [{ $ref: '#' }] })).toMatch(/^refers to itself without end/);
  expect(problemOf({ pattern: '(?=a)'.repeat(11) })).toMatch(/^has a pattern that looks around more than 10 times/);
  expect(problemOf({ pattern: '(a)\\1' })).toMatch(/^has a pattern that refers back/);
  expect(problemOf({ patternProperties: { '(?<n>a)\\k<n>': {} } })).toMatch(/^has a pattern that refers back/);
  expect(problemOf({ pattern: '(((a{100}){100}){100})' })).toBe(
    'has a pattern that is longer than 1000 steps: (((a{100}){100}){100})',
  );
  expect(problemOf({ pattern: '('.repeat(60) + ')'.repeat(60) })).toBe(
    `has a pattern that nests more than 50 groups: ${'('.repeat(60)}${')'.repeat(20)}…`,
  );
  expect(problemOf({ pattern: '(' })).toBe('has a pattern that is no regular expression of ECMAScript: (');
});

test('a key that the schema does not name is not told: it may be a secret', () => {
  const inner = { type: 'string' };
  const compiled = compile(JSON.stringify({ properties: { 'a/b': { additionalProperties: { items: inner } } } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const place = (value: unknown) => compiled.value(value, new Fuel(1000));
  expect(place({ 'a/b': { 'sk-secret': ['x', 3] } })).toEqual({ rule: 'type', path: '/a~1b/*/1' });
  expect(place({ 'a/b': { 4111111111111111: [3] } })).toEqual({ rule: 'type', path: '/a~1b/*/0' });
  // A code of six digits is as secret.
  expect(place({ 'a/b': { 483920: [3] } })).toEqual({ rule: 'type', path: '/a~1b/*/0' });
  expect(place({ 'a/b': { 0: ['x', 3] } })).toEqual({ rule: 'type', path: '/a~1b/*/1' });
});

test('one pattern is not taken for another', () => {
  const compiled = compile(JSON.stringify({ properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const fuel = new Fuel(1000);
  expect(compiled.value({ a: 'a', b: 'b' }, fuel)).toBeNull();
  expect(compiled.value({ a: 'a', b: 'a' }, fuel)).toEqual({ rule: 'pattern', path: '/b' });
});

test.each([
  ['allOf', { items: { allOf: Array.from({ length: 30 }, () => ({ type: 'number' })) } }, Array(100).fill(1)],
  ['if', { items: { if: { const: 2 }, else: { type: 'number' } } }, Array(1000).fill(1)],
  ['not', { items: { not: { const: 2 } } }, Array(1000).fill(1)],
  ['contains', { contains: { const: 1 } }, [...Array(700).fill(2), 1]],
  ['the letters of a text', { minLength: 1 }, 'x'.repeat(35_000)],
  ['the letters of a name', { propertyNames: { maxLength: 40_000 } }, { ['x'.repeat(35_000)]: 1 }],
  ['what is written of an item to find its like', { uniqueItems: true }, ['x'.repeat(35_000)]],
  ['each name of properties', { items: { properties: names({ type: 'string' }) } }, Array(100).fill({})],
  ['each name of dependentRequired', { items: { dependentRequired: names(['a']) } }, Array(100).fill({})],
  ['each name of dependentSchemas', { items: { dependentSchemas: names({ type: 'object' }) } }, Array(100).fill({})],
  ['each place of prefixItems', { items: { prefixItems: Array(30).fill({ type: 'null' }) } }, Array(100).fill([])],
  [
    'each place of items in draft 7',
    { $schema: draft7, items: { items: Array(30).fill({ type: 'null' }) } },
    Array(100).fill([]),
  ],
  [
    'each name of dependencies in draft 7',
    { $schema: draft7, items: { dependencies: names([]) } },
    Array(100).fill({}),
  ],
  ['what is compared with a value that has parts', { const: ['x'.repeat(17_000)] }, ['x'.repeat(17_000)]],
  ['each text that a pattern looks at', { items: { pattern: '^b' } }, Array(500).fill('b')],
  ['the keys below a reference', { $ref: '#/$defs/a', $defs: { a: {} } }, Object.fromEntries(Array(1200).entries())],
])('%s costs', (_what, schema, value) => {
  const compiled = compile(JSON.stringify(schema));
  if ('problem' in compiled) throw new Error(compiled.problem);
  expect(compiled.value(value, new Fuel(1000))).toBeNull();
  expect(() => compiled.value(value, new Fuel(500))).toThrow(TooCostly);
});

test('a long text that a recursive union comes to again and again is looked at a bounded number of times', () => {
  const nested = { type: 'array', items: { $ref: '#/$defs/node' } };
  const node = { anyOf: [nested, nested, { type: 'string', maxLength: 100 }] };
  const compiled = compile(JSON.stringify({ $ref: '#/$defs/node', $defs: { node } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const letters = 10_000;
  let value: unknown = 'x'.repeat(letters);
  for (let depth = 0; depth < 12; depth++) value = [value];
  // Two to the power of twelve ways lead to it, each at 200 units.
  expect(() => compiled.value(value, new Fuel(500_000))).toThrow(TooCostly);
});

test.each(['anyOf', 'oneOf'])('each branch of %s that stands in the schema itself costs', (keyword) => {
  const branches = Array.from({ length: 30 }, (_, i) => ({ const: i }));
  const compiled = compile(JSON.stringify({ items: { [keyword]: branches } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const items = Array.from({ length: 100 }, () => 29);
  expect(compiled.value(items, new Fuel(1000))).toBeNull();
  expect(() => compiled.value(items, new Fuel(500))).toThrow(TooCostly);
  expect(compiled.value([29, 30], new Fuel(1000))).toEqual({ rule: keyword, path: '/1' });
});

test('enum is looked up: scalars for nothing, others for as much as they hold', () => {
  const allowed = [0, '1', null, true, [1, [2]], { a: 1, b: { c: [] } }, ...Array(1000).keys()];
  const compiled = compile(JSON.stringify({ properties: { it: { enum: [...allowed, 'true'] } } }));
  if ('problem' in compiled) throw new Error(compiled.problem);
  const judge = (it: unknown, units = 10) => compiled.value({ it }, new Fuel(units));
  const good = [0, -0, '1', null, true, 'true', 999, [1, [2]], { b: { c: [] }, a: 1 }];
  for (const value of good) expect([value, judge(value)]).toEqual([value, null]);
  const bad = [
    '0',
    '999',
    1000,
    false,
    'null',
    [],
    [1, 2],
    [[1, [2]]],
    {},
    { a: 1 },
    { a: 1, b: { c: {} } },
    '[1,[2]]',
  ];
  for (const value of bad) expect([value, judge(value)]).toEqual([value, { rule: 'enum', path: '/it' }]);
  // The name of the property is looked for.
  expect(judge(999, 1 / 4)).toBeNull();
  expect(() => judge([1, [2]], 3)).toThrow(TooCostly);
  expect(problemOf({ enum: [] })).toBe('cannot be compiled: enum must have non-empty array');
});

test('a schema that would take a compiler minutes is refused before', () => {
  const deep = (levels: number) => JSON.parse(`${'{"not":'.repeat(levels)}{}${'}'.repeat(levels)}`) as object;
  expect(problemOf(deep(300))).toBe('nests deeper than 200 levels');
  const branches = Array.from({ length: 10_000 }, (_, i) => ({ minLength: i }));
  expect(problemOf({ anyOf: branches })).toBe('has 10001 keys; write 10000 at most');
});

test('a list of names has no keys, however long it is', () => {
  expect(problemOf({ enum: Array.from({ length: 50_000 }, (_, i) => `k${i}`) })).toBe('none');
});

test.each([
  ['at the top', { $id: '*/globalThis.ran=true;/*', type: 'string' }],
  ['at the top, in draft 7', { $schema: draft7, $id: '*/globalThis.ran=true;/*', type: 'string' }],
  ['below', { $defs: { a: { $id: 'x*/globalThis.ran=true;/*', type: 'string' } }, properties: { a: { $ref: 'x*' } } }],
  [
    'where no schema stands',
    { enum: [{ $id: '*/globalThis.ran=true;/*', minLength: 1 }], items: { $ref: '#/enum/0' } },
  ],
  ['in a list', { enum: [{ $id: ['*/globalThis.ran=true;/*'], minLength: 1 }], items: { $ref: '#/enum/0' } }],
])('an $id that would end the comment that ajv writes it into is refused: %s', (_, schema) => {
  expect(problemOf(schema)).toBe('has an $id with "*/" in it; write another one');
  expect(globalThis).not.toHaveProperty('ran');
});

test('nothing else that a schema says is run, whatever it looks like', () => {
  const code = [
    'globalThis.ran=true',
    '*/globalThis.ran=true/*',
    '`$' + '{globalThis.ran=true}`',
    '"+(globalThis.ran=true)+"',
  ];
  code.push(
    "'+(globalThis.ran=true)+'",
    '\u2028globalThis.ran=true\u2028',
    '\\"+(globalThis.ran=true)//',
    '\nglobalThis.ran=true\n',
  );
  for (const text of code) {
    const compiled = compile(
      JSON.stringify({
        $id: `https://example.org/${encodeURIComponent(text)}`,
        $comment: text,
        title: text,
        enum: [text, [text], { [text]: text }],
        const: text,
        default: text,
        required: [text],
        dependentRequired: { [text]: [text] },
        properties: { [text]: { const: text } },
        $defs: { [text]: { const: text } },
        anyOf: [{ $ref: `#/$defs/${encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))}` }],
      }),
    );
    if ('problem' in compiled) throw new Error(compiled.problem);
    for (const value of [text, { [text]: text }, [text]]) compiled.value(value, new Fuel(10_000));
  }
  expect(globalThis).not.toHaveProperty('ran');
});

test('what no program can say is refused by name: __proto__, numbers without an end, $async', () => {
  expect(problemOf('{"const": {"x": 1, "__proto__": {"role": "admin"}}}')).toBe(
    'has the key "__proto__"; leave it out',
  );
  expect(problemOf('{"properties": {"__proto__": false}}')).toBe('has the key "__proto__"; leave it out');
  expect(problemOf('{"enum": [1e400]}')).toBe('has a number beyond 1.8e308; write a smaller one, or none');
  expect(problemOf('{"items": {"minimum": -1e400}}')).toBe('has a number beyond 1.8e308; write a smaller one, or none');
  expect(problemOf({ $async: true })).toBe('has the key "$async"; leave it out');
});

test('what many references lead to is written once, and V8 takes what it made of the text in another thread', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => [`k${i}`, { type: 'string' }]);
  const references = Array.from({ length: 100 }, (_, i) => [`r${i}`, { $ref: '#/$defs/a' }]);
  const schema = {
    $defs: { a: { properties: Object.fromEntries(keys) } },
    properties: Object.fromEntries(references),
  };
  const compiled = (await loadCompiler())(JSON.stringify(schema));
  if ('problem' in compiled) throw new Error(compiled.problem);
  // Copies would make it 7 MB.
  expect(compiled.value.text.length).toBeLessThan(200_000);
  const { check, script } = startProgram(compiled.value);
  expect(script.cachedDataRejected).toBe(false);
  expect(check({ r99: { k199: 'a' } }, new Fuel(10_000))).toBeNull();
  expect(check({ r99: { k199: 1 } }, new Fuel(10_000))).toEqual({ rule: 'type', path: '/r99/k199' });
});
