import { expect, test } from 'vitest';
import { checkWithin, judgeText } from '../../../src/validation/judge.ts';
import type { SchemaCheck } from '../../../src/validation/types.ts';
import { compile } from '../../helpers/schema-check.ts';

function schemaOf(schema: unknown): SchemaCheck {
  const compiled = compile(JSON.stringify(schema));
  if ('problem' in compiled) throw new Error(compiled.problem);
  return compiled.value;
}

function judge(payload: string | Buffer, schema: SchemaCheck | null = null, maxDepth = 64): string {
  const fault = judgeText(Buffer.from(payload as string), { maxDepth, schema });
  return fault === null ? 'good' : `${fault.rule} ${fault.path}`.trim();
}

test('what is no UTF-8 is told from what is no JSON: nothing, a byte order mark, a number that JSON has not', () => {
  expect(judge(Buffer.from('22c328', 'hex'))).toBe('utf8');
  expect(judge(Buffer.from('22eda08022', 'hex'))).toBe('utf8');
  for (const text of ['', ' ', '\ufeff{}', 'NaN', '[1,]', '{"a"']) expect(judge(text)).toBe('json');
  for (const text of ['{}', ' null ', '"\\ud800"', '1e400', '-0']) expect(judge(text)).toBe('good');
});

test('depth is seen before anything recurses, and brackets in texts are none', () => {
  expect(judge('[[]]', null, 2)).toBe('good');
  expect(judge('[[{}]]', null, 2)).toBe('max_depth');
  expect(judge('["[[[", "\\"[[["]', null, 1)).toBe('good');
  expect(judge('['.repeat(65_536))).toBe('max_depth');
  expect(judge(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).toBe('max_depth');
  expect(judge(`${'['.repeat(1000)}${']'.repeat(1000)}`, schemaOf({ items: { $ref: '#' } }), 1000)).toBe('good');
});

test('a message has what it has itself: not what every object has, and of two alike keys the last', () => {
  const schema = schemaOf({ required: ['constructor'], properties: { constructor: { type: 'string' } } });
  expect(judge('{}', schema)).toBe('required');
  expect(judge('{"__proto__":{"constructor":"a"}}', schema)).toBe('required');
  expect(judge('{"constructor":"a"}', schema)).toBe('good');
  expect(judge('{"constructor":1,"constructor":"a"}', schema)).toBe('good');
  expect(judge('{"__proto__":1}', schemaOf({ additionalProperties: false }))).toBe('additionalProperties');
  expect(judge('1e400', schemaOf({ type: 'number' }))).toBe('type');
});

test('a pattern that keeps other engines for years costs as much as its text is long', () => {
  const schema = schemaOf({ properties: { a: { pattern: '^(a+)+$' }, b: { pattern: '^(.*a){20}$' } } });
  expect(judge(`{"a":"${'a'.repeat(30_000)}"}`, schema)).toBe('good');
  expect(judge(`{"a":"${'a'.repeat(30_000)}!"}`, schema)).toBe('pattern /a');
  // As many threads as it has steps: that much work is more than a message may cost.
  expect(judge(`{"b":"${'a'.repeat(100_000)}!"}`, schema)).toBe('too_costly');
});

test('items are unique or not without comparing each with each', () => {
  const schema = schemaOf({ uniqueItems: true });
  const many = Array.from({ length: 20_000 }, (_, i) => ({ i, a: [i] }));
  expect(judge(JSON.stringify(many), schema)).toBe('good');
  expect(judge(JSON.stringify([...many, many[0]]), schema)).toBe('uniqueItems');
  expect(judge('[{"a":1,"b":[2]},{"b":[2],"a":1}]', schema)).toBe('uniqueItems');
  expect(judge('[0,-0]', schema)).toBe('uniqueItems');
  expect(judge('[1,"1",[1],{"1":1},null,"null",true,"true",1e400]', schema)).toBe('good');
  expect(judge('[1,1]', schemaOf({ uniqueItems: false }))).toBe('good');
});

test('a schema that tries two ways at each level ends when its fuel does', () => {
  const branch = { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] };
  const schema = schemaOf({ anyOf: [{ type: 'null' }, branch, { ...branch, properties: { a: { $ref: '#' } } }] });
  const nested = (depth: number, inner: string) => `${'{"a":'.repeat(depth)}${inner}${'}'.repeat(depth)}`;
  expect(judge(nested(8, 'null'), schema)).toBe('good');
  expect(judge(nested(8, '1'), schema)).toBe('anyOf');
  expect(judge(nested(40, '1'), schema)).toBe('too_costly');
});

test('an error that is none of these is a bug and comes through', () => {
  const broken = () => {
    throw new Error('a bug');
  };
  expect(() => checkWithin(broken, null, 1)).toThrow('a bug');
  const endless = () => {
    throw new RangeError('Maximum call stack size exceeded');
  };
  expect(checkWithin(endless, null, 1)).toEqual({ rule: 'too_costly', path: '' });
});
