/**
 * Compiles a JSON Schema with ajv, of which three parts are ours: patterns match in linear time, `uniqueItems` and
 * `enum` do not compare one by one, and references, branches and the lengths of texts cost fuel, so that no message
 * keeps the thread.
 */
import type { Ajv, Code, CodeKeywordDefinition, KeywordCxt } from 'ajv';
import { areUnique, isAmong } from './canonical.ts';
import { shapeOf } from './depth.ts';
import { checkWithin } from './judge.ts';
import { LinearPattern, UnfitPattern } from './linear-pattern.ts';
import { Fuel, lettersPerUnit, type Parsed, type SchemaCheck } from './types.ts';

/** Makes a check of a schema's text, or says what is wrong with it in words that follow the file's name. */
export type SchemaCompiler = (text: string) => Parsed<SchemaCheck>;

const draft2020 = 'https://json-schema.org/draft/2020-12/schema';
const draft7 = 'http://json-schema.org/draft-07/schema';
/** A schema that no value of these can be judged by refers to itself without end. */
const probes = [null, true, 0, '', [], {}];
const unitsOfProbe = 100_000;
/** What more of both takes, a compiler of recursions and V8 behind it do not stand, or only for many seconds. */
const mostLevels = 200;
const mostKeys = 10_000;
/** A branch that stands in the schema itself is tried in 20 to 80 ns, and may hold more that costs. */
const unitsOfBranch = 1 / 4;

/** Loads ajv, which a gateway that validates nothing does without. */
export async function loadCompiler(): Promise<SchemaCompiler> {
  const [{ Ajv2020 }, { Ajv: Ajv7 }, { _ }, ref, dynamicRef, ...others] = await Promise.all([
    import('ajv/dist/2020.js'),
    import('ajv'),
    import('ajv/dist/compile/codegen/index.js'),
    import('ajv/dist/vocabularies/core/ref.js'),
    import('ajv/dist/vocabularies/dynamic/dynamicRef.js'),
    import('ajv/dist/vocabularies/applicator/allOf.js'),
    import('ajv/dist/vocabularies/applicator/anyOf.js'),
    import('ajv/dist/vocabularies/applicator/oneOf.js'),
    import('ajv/dist/vocabularies/applicator/if.js'),
    import('ajv/dist/vocabularies/applicator/not.js'),
    import('ajv/dist/vocabularies/applicator/contains.js'),
    import('ajv/dist/vocabularies/validation/limitLength.js'),
  ]);
  // The fuel of the message that is being judged; there is one at a time.
  let fuel = new Fuel(Number.POSITIVE_INFINITY);
  const burn = (units: number) => fuel.burn(units);
  const burnFor = (data: unknown) => fuel.burnFor(data);
  const costing = (definition: CodeKeywordDefinition, cost: (context: KeywordCxt) => Code): CodeKeywordDefinition => ({
    ...definition,
    code(context: KeywordCxt, ruleType?: string) {
      context.gen.code(cost(context));
      definition.code(context, ruleType);
    },
  });
  const reference = ({ gen, data }: KeywordCxt) => _`${gen.scopeValue('func', { ref: burnFor })}(${data})`;
  /** As many branches as are listed; with `if` stand `then` and `else`. */
  const branches = ({ gen, schema }: KeywordCxt) =>
    _`${gen.scopeValue('func', { ref: burn })}(${(Array.isArray(schema) ? schema.length : 3) * unitsOfBranch})`;
  const items = ({ gen, data }: KeywordCxt) => _`${gen.scopeValue('func', { ref: burn })}(${data}.length)`;
  const letters = ({ gen, data }: KeywordCxt) =>
    _`${gen.scopeValue('func', { ref: burn })}(${data}.length / ${lettersPerUnit})`;
  const costs = [branches, branches, branches, branches, branches, items, letters];
  const costly = others.map((definition, i) => costing(defaultOf(definition), costs[i]!));
  const regExp = Object.assign(
    (source: string) => {
      const pattern = new LinearPattern(source);
      // By its text ajv knows one pattern from another.
      return { test: (text: string) => pattern.test(text, fuel), toString: () => source };
    },
    { code: 'new LinearPattern' },
  );
  const make = (is7: boolean): Ajv => {
    const options = {
      strict: true,
      strictTypes: false,
      strictTuples: false,
      strictRequired: false,
      // What `required` and `properties` ask for must be the message's own: every object has a `constructor`.
      ownProperties: true,
      // As JSON Schema 2020-12 has it: a remark. What must hold is said by `pattern`.
      validateFormats: false,
      messages: false,
      logger: false,
      code: { regExp },
    } as const;
    const ajv: Ajv = is7 ? new Ajv7(options) : (new Ajv2020(options) as unknown as Ajv);
    replace(ajv, costing(defaultOf(ref), reference));
    if (!is7) replace(ajv, costing(defaultOf(dynamicRef), reference));
    for (const definition of costly) replace(ajv, definition);
    ajv.removeKeyword('uniqueItems');
    ajv.addKeyword({
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      errors: false,
      validate: (wanted: boolean, items: readonly unknown[]) => !wanted || areUnique(items, fuel),
    });
    ajv.removeKeyword('enum');
    ajv.addKeyword({
      keyword: 'enum',
      schemaType: 'array',
      errors: false,
      compile: (allowed: readonly unknown[]) => {
        if (allowed.length === 0) throw new Error('enum must have non-empty array');
        const isOne = isAmong(allowed);
        return (value: unknown) => isOne(value, fuel);
      },
    });
    // OpenAPI's, which Pydantic writes beside `oneOf`: a remark.
    ajv.addVocabulary(['discriminator']);
    return ajv;
  };
  return (text) => {
    const parsed = parse(text);
    if ('problem' in parsed) return parsed;
    const draft = draftOf(parsed.value);
    if (typeof draft !== 'string') return draft;
    if (shapeOf(Buffer.from(text), mostLevels).isTooDeep) return { problem: `nests deeper than ${mostLevels} levels` };
    const keys = keysIn(parsed.value);
    if (keys.length > mostKeys) return { problem: `has ${keys.length} keys; write ${mostKeys} at most` };
    const names = new Set(keys);
    fuel = new Fuel(Number.POSITIVE_INFINITY);
    const compiled = compile(make(draft === draft7), parsed.value);
    if ('problem' in compiled) return compiled;
    const { value: validate } = compiled;
    const check: SchemaCheck = (value, given) => {
      fuel = given;
      if (validate(value)) return null;
      // Those of the branches of an `anyOf` stand before its own.
      const last = validate.errors!.at(-1)!;
      return { rule: last.keyword, path: shownPath(last.instancePath, value, names) };
    };
    if (probes.some((probe) => checkWithin(check, probe, unitsOfProbe)?.rule === 'too_costly')) {
      return {
        problem:
          'refers to itself without end, or has too much in one place; let each reference stand below a property or an item',
      };
    }
    return { value: check };
  };
}

function replace(ajv: Ajv, definition: CodeKeywordDefinition): void {
  for (const keyword of [definition.keyword].flat()) ajv.removeKeyword(keyword);
  ajv.addKeyword(definition);
}

/** Every key of a schema, and so every name that it has for a property. */
function keysIn(value: unknown, keys: string[] = []): readonly string[] {
  if (typeof value !== 'object' || value === null) return keys;
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) keys.push(key);
    keysIn(inner, keys);
  }
  return keys;
}

/** A place as it may be shown: what a peer chose for a key is payload, and may be a secret. */
function shownPath(pointer: string, message: unknown, names: ReadonlySet<string>): string {
  let at = message;
  let shown = '';
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    // The number of an item is nobody's choice; a key of digits is.
    shown += Array.isArray(at) || names.has(key) ? `/${part}` : '/*';
    at = (at as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  }
  return shown;
}

/** CommonJS, whose default comes wrapped. */
function defaultOf(module: { readonly default: unknown }): CodeKeywordDefinition {
  const inner = module.default as { readonly default?: CodeKeywordDefinition };
  return inner.default ?? (module.default as CodeKeywordDefinition);
}

function parse(text: string): Parsed<object | boolean> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `is no JSON: ${(error as Error).message}` };
  }
  const isSchema = typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value));
  return isSchema ? { value: value as object | boolean } : { problem: 'is no JSON Schema; write an object' };
}

/** Which draft a schema is written in: 2020-12 unless it says so. */
function draftOf(schema: object | boolean): string | { readonly problem: string } {
  const named = typeof schema === 'object' ? (schema as { readonly $schema?: unknown }).$schema : undefined;
  const draft = named === undefined ? draft2020 : String(named).replace(/#$/, '');
  if (draft === draft2020 || draft === draft7) return draft;
  return { problem: `has another $schema than it may; write ${draft2020} or ${draft7}#` };
}

function compile(ajv: Ajv, schema: object | boolean): Parsed<ReturnType<Ajv['compile']>> {
  try {
    return { value: ajv.compile(schema) };
  } catch (error) {
    const why =
      error instanceof UnfitPattern
        ? `has a pattern that ${error.message}`
        : `cannot be compiled: ${(error as Error).message}`;
    return { problem: why };
  }
}
