import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fuel } from '../../../src/validation/types.ts';
import { expectSame } from '../../helpers/often.ts';
import { compile } from '../../helpers/schema-check.ts';

type Schema = boolean | Readonly<Record<string, unknown>>;
interface Drawn {
  readonly value: unknown;
  readonly schema: Schema;
}

const keys = ['a', 'b', 'ab', 'c'] as const;
const key = fc.constantFrom(...keys);
const few = fc.nat({ max: 2 });
const smallest: readonly Schema[] = [
  ...[true, false, {}, { type: 'string' }, { type: ['number', 'object'] }, { const: 1 }, { const: { a: [] } }],
  ...[{ enum: [1, 'x', { b: 1 }] }, { minLength: 2 }, { maxLength: 1 }, { minimum: 2 }, { exclusiveMaximum: 2 }],
  { pattern: '^x' },
];

function recordOf<T>(each: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.dictionary(key, each, { maxKeys: 3, noNullPrototype: true });
}

const { value, schema } = fc.letrec<Drawn>((tie) => {
  const sub = tie('schema');
  const optional = (each: fc.Arbitrary<unknown>) => fc.option(each, { nil: undefined, freq: 3 });
  const condition = fc.tuple(sub, sub).map(([one, other]) => Object.fromEntries(conditional(one, other)));
  const one = fc.oneof(
    recordOf(sub).map((properties) => ({ properties })),
    // Names that fit a pattern may not stand in `properties` too.
    fc.record({
      patternProperties: fc.dictionary(fc.constantFrom('^c', 'b', '^a.'), sub, { minKeys: 1, maxKeys: 2 }),
      additionalProperties: sub,
    }),
    fc.record({ properties: recordOf(sub), additionalProperties: sub }),
    fc.uniqueArray(key, { minLength: 1, maxLength: 2 }).map((required) => ({ required })),
    fc.array(sub, { minLength: 1, maxLength: 3 }).map((allOf) => ({ allOf })),
    fc.array(sub, { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    fc.array(sub, { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
    sub.map((not) => ({ not })),
    condition,
    recordOf(sub).map((dependentSchemas) => ({ dependentSchemas })),
    recordOf(fc.uniqueArray(key, { maxLength: 2 })).map((dependentRequired) => ({ dependentRequired })),
    fc.constantFrom<Schema>({ maxLength: 1 }, { pattern: 'a' }, { enum: ['a', 'b'] }).map((propertyNames) => ({
      propertyNames,
    })),
    fc.record({ prefixItems: fc.array(sub, { minLength: 1, maxLength: 2 }), items: sub }),
    sub.map((items) => ({ items })),
    fc.record({ contains: sub, maxContains: optional(fc.constant(2)) }),
    fc.record({ minItems: few, maxProperties: few }),
    fc.record({ maxItems: few, minProperties: few }),
    fc.constantFrom({ uniqueItems: true }, { $ref: '#/$defs/it' }),
  );
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(0, 1, 2, 'x', 'xy', null, true, {}, [], { b: 1 }, { a: [] }),
      recordOf(tie('value')),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...smallest),
      fc.array(one, { minLength: 1, maxLength: 3 }).map((parts) => JSON.parse(JSON.stringify(merged(parts))) as Schema),
    ),
  };
});

/** `if` must have one of the two that is not always good. */
function conditional(one: unknown, other: unknown): (readonly [string, unknown])[] {
  return [
    ['if', one],
    ['then', { type: 'object' }],
    ['else', other],
  ];
}

/** `patternProperties` does not stand beside `properties`. */
function merged(parts: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = Object.assign({}, ...parts);
  if (all.patternProperties !== undefined) delete all.properties;
  return all;
}

/** JSON Schema 2020-12 word for word, as far as it is drawn here. */
function fits(schema: Schema, value: unknown, it: Schema): boolean {
  if (typeof schema === 'boolean') return schema;
  const inner = (one: unknown, part: unknown) => fits(one as Schema, part, it);
  const map = (one: unknown) => Object.entries(one as Record<string, unknown>);
  const list = (one: unknown) => one as readonly unknown[];
  const isList = Array.isArray(value);
  const isObject = typeof value === 'object' && value !== null && !isList;
  const entries = isObject ? Object.entries(value) : [];
  const has = (name: string) => isObject && Object.hasOwn(value, name);
  const length = typeof value === 'string' ? value.length : Number.NaN;
  const type = value === null ? 'null' : isList ? 'array' : typeof value;
  const judges: Readonly<Record<string, (of: never) => boolean>> = {
    type: (of: unknown) => [of].flat().includes(type),
    const: (of: unknown) => isDeepStrictEqual(of, value),
    enum: (of: unknown) => list(of).some((one) => isDeepStrictEqual(one, value)),
    minLength: (of: number) => !(length < of),
    maxLength: (of: number) => !(length > of),
    minimum: (of: number) => typeof value !== 'number' || value >= of,
    exclusiveMaximum: (of: number) => typeof value !== 'number' || value < of,
    pattern: (of: string) => typeof value !== 'string' || new RegExp(of, 'u').test(value),
    $ref: () => inner(it, value),
    allOf: (of: unknown) => list(of).every((one) => inner(one, value)),
    anyOf: (of: unknown) => list(of).some((one) => inner(one, value)),
    oneOf: (of: unknown) => list(of).filter((one) => inner(one, value)).length === 1,
    not: (of: unknown) => !inner(of, value),
    if: (of: unknown) => inner((inner(of, value) ? schema.then : schema.else) ?? true, value),
    properties: (of: unknown) => map(of).every(([name, one]) => !has(name) || inner(one, (value as never)[name])),
    patternProperties: (of: unknown) =>
      map(of).every(([source, one]) => entries.every(([name, part]) => !named(source, name) || inner(one, part))),
    additionalProperties: (of: unknown) =>
      entries.every(([name, part]) => {
        const patterns = Object.keys(schema.patternProperties ?? {});
        const isKnown = Object.hasOwn(schema.properties ?? {}, name) || patterns.some((source) => named(source, name));
        return isKnown || inner(of, part);
      }),
    propertyNames: (of: unknown) => entries.every(([name]) => inner(of, name)),
    required: (of: unknown) => !isObject || list(of).every((name) => has(name as string)),
    dependentRequired: (of: unknown) =>
      map(of).every(([name, names]) => !has(name) || list(names).every((one) => has(one as string))),
    dependentSchemas: (of: unknown) => map(of).every(([name, one]) => !has(name) || inner(one, value)),
    minProperties: (of: number) => !isObject || entries.length >= of,
    maxProperties: (of: number) => !isObject || entries.length <= of,
    prefixItems: (of: unknown) => !isList || list(of).every((one, i) => i >= value.length || inner(one, value[i])),
    items: (of: unknown) =>
      !isList || value.slice(list(schema.prefixItems ?? []).length).every((part) => inner(of, part)),
    contains: (of: unknown) => {
      const count = isList ? value.filter((part) => inner(of, part)).length : 1;
      return count >= 1 && count <= ((schema.maxContains as number | undefined) ?? count);
    },
    ...{ else: () => true, maxContains: () => true, $defs: () => true },
    minItems: (of: number) => !isList || value.length >= of,
    maxItems: (of: number) => !isList || value.length <= of,
    uniqueItems: () =>
      !isList || value.every((part, i) => value.slice(0, i).every((one) => !isDeepStrictEqual(one, part))),
  };
  return map(schema).every(([keyword, of]) => keyword === 'then' || judges[keyword]!(of as never));
}

function named(source: string, name: string): boolean {
  return new RegExp(source, 'u').test(name);
}

test('what a schema lets pass and refuses is what the words of the draft say', () => {
  const seen = { good: 0, bad: 0 };
  const reference = schema.filter((one) => !JSON.stringify(one).includes('$ref'));
  fc.assert(
    fc.property(schema, reference, fc.array(value, { minLength: 1, maxLength: 10 }), (drawn, it, values) => {
      const whole = typeof drawn === 'boolean' ? { allOf: [drawn] } : drawn;
      const compiled = compile(JSON.stringify({ ...whole, $defs: { it } }));
      if ('problem' in compiled) throw new Error(compiled.problem);
      for (const one of values) {
        const isGood = fits(whole, one, it);
        seen[isGood ? 'good' : 'bad']++;
        expectSame(compiled.value(one, new Fuel(1_000_000)) === null, isGood);
      }
    }),
    { numRuns: 50 },
  );
  // Mostly about 110.
  expect(Math.min(seen.good, seen.bad)).toBeGreaterThan(20);
});
