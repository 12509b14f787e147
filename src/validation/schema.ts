/**
 * Makes a program of a JSON Schema with ajv, of which three parts are ours: patterns match in linear time,
 * `uniqueItems` and `enum` do not compare one by one, and references, branches and the lengths of texts cost fuel, so
 * that no message keeps the thread. This takes 50 ms for a small schema and seconds for a large one, so it is for a
 * thread of its own (src/gateway/compile-aside.ts); what comes out is text, and running it is program.ts.
 */
import type { AnySchemaObject, Code, CodeKeywordDefinition, KeywordCxt } from 'ajv';
import { areUnique, isAmong } from './canonical.ts';
import { shapeOf } from './depth.ts';
import { checkWithin } from './judge.ts';
import { LinearPattern, UnfitPattern } from './linear-pattern.ts';
import { defaultOf, type SchemaProgram, startProgram } from './program.ts';
import { Fuel, lettersPerUnit, type Parsed } from './types.ts';

/** Makes a program of a schema's text, or says what is wrong with it in words that follow the file's name. */
export type SchemaCompiler = (text: string) => Parsed<SchemaProgram>;

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

/** For the schemas themselves. */
const free = new Fuel(Number.POSITIVE_INFINITY);

/** Loads ajv. */
export async function loadCompiler(): Promise<SchemaCompiler> {
  const [{ Ajv2020 }, { Ajv: Ajv7 }, codegen, standalone, ref, dynamicRef, ...others] = await Promise.all([
    import('ajv/dist/2020.js'),
    import('ajv'),
    import('ajv/dist/compile/codegen/index.js'),
    import('ajv/dist/standalone/index.js'),
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
  const { _, stringify } = codegen;
  const write = defaultOf<typeof import('ajv/dist/standalone/index.js').default>(standalone);
  const costing = (definition: CodeKeywordDefinition, cost: (context: KeywordCxt) => Code): CodeKeywordDefinition => ({
    ...definition,
    code(context: KeywordCxt, ruleType?: string) {
      context.gen.code(cost(context));
      definition.code(context, ruleType);
    },
  });
  /** What the program has by these names. A schema itself is judged with these, which cost nothing. */
  const burn = { ref: () => {}, code: _`burn` };
  const burnFor = { ref: () => {}, code: _`burnFor` };
  const unique = { ref: (list: readonly unknown[]) => areUnique(list, free), code: _`areUnique` };
  const reference = ({ gen, data }: KeywordCxt) => _`${gen.scopeValue('func', burnFor)}(${data})`;
  /** As many branches as are listed; with `if` stand `then` and `else`. */
  const branches = ({ gen, schema }: KeywordCxt) =>
    _`${gen.scopeValue('func', burn)}(${(Array.isArray(schema) ? schema.length : 3) * unitsOfBranch})`;
  const items = ({ gen, data }: KeywordCxt) => _`${gen.scopeValue('func', burn)}(${data}.length)`;
  const letters = ({ gen, data }: KeywordCxt) => _`${gen.scopeValue('func', burn)}(${data}.length / ${lettersPerUnit})`;
  const costs = [branches, branches, branches, branches, branches, items, letters];
  const costly = others.map((definition, i) => costing(defaultOf<CodeKeywordDefinition>(definition), costs[i]!));
  const ours: readonly CodeKeywordDefinition[] = [
    {
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      code(context) {
        if (context.schema === true) context.fail(_`!${context.gen.scopeValue('func', unique)}(${context.data})`);
      },
    },
    {
      keyword: 'enum',
      schemaType: 'array',
      code(context) {
        const allowed = context.schema as readonly unknown[];
        if (allowed.length === 0) throw new Error('enum must have non-empty array');
        const isOne = isAmong(allowed);
        const ref = (value: unknown) => isOne(value, free);
        const name = context.gen.scopeValue('func', { ref, code: _`among(${stringify(allowed)})` });
        context.fail(_`!${name}(${context.data})`);
      },
    },
  ];
  const regExp = Object.assign(
    (source: string) => {
      const pattern = linear(source);
      // By its text ajv knows one pattern from another.
      return { test: (text: string) => pattern.test(text, free), toString: () => source };
    },
    { code: 'pattern' },
  );
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
    // A schema that is referred to is written once: its copies would make the text as long as references times keys.
    inlineRefs: false,
    code: { regExp, source: true },
  } as const;
  /** The text of a program. */
  const translate = (schema: AnySchemaObject | boolean, is7: boolean): string => {
    // Of one base, which the library's types do not say.
    const ajv = is7 ? new Ajv7(options) : (new Ajv2020(options) as unknown as InstanceType<typeof Ajv7>);
    const definitions = [costing(defaultOf<CodeKeywordDefinition>(ref), reference), ...costly, ...ours];
    if (!is7) definitions.push(costing(defaultOf<CodeKeywordDefinition>(dynamicRef), reference));
    for (const definition of definitions) {
      for (const keyword of [definition.keyword].flat()) ajv.removeKeyword(keyword);
      ajv.addKeyword(definition);
    }
    // OpenAPI's, which Pydantic writes beside `oneOf`: a remark.
    ajv.addVocabulary(['discriminator']);
    if (ajv.validateSchema(schema) !== true) throw new Error(whereInvalid(ajv.errors));
    return write(ajv, ajv.compile(schema));
  };
  return (text) => {
    const parsed = parse(text);
    if ('problem' in parsed) return parsed;
    const draft = draftOf(parsed.value);
    if (typeof draft !== 'string') return draft;
    if (shapeOf(Buffer.from(text), mostLevels).isTooDeep) return { problem: `nests deeper than ${mostLevels} levels` };
    const keys = keysIn(parsed.value);
    if (keys.length > mostKeys) return { problem: `has ${keys.length} keys; write ${mostKeys} at most` };
    const unfit = unfitFor(parsed.value);
    if (unfit !== null) return { problem: unfit };
    try {
      const program = { text: translate(parsed.value, draft === draft7), names: new Set(keys) };
      const { check, script } = startProgram(program);
      if (probes.some((probe) => checkWithin(check, probe, unitsOfProbe)?.rule === 'too_costly')) {
        return {
          problem:
            'refers to itself without end, or has too much in one place; let each reference stand below a property or an item',
        };
      }
      return { value: { ...program, machine: script.createCachedData() } };
    } catch (error) {
      return {
        problem:
          error instanceof UnfitPattern ? `has a pattern that ${error.message}` : inWords((error as Error).message),
      };
    }
  };
}

const longestShown = 80;

/** A pattern of a schema; one that is not taken is told by its own text, of which a schema may have many. */
function linear(source: string): LinearPattern {
  try {
    return new LinearPattern(source);
  } catch (error) {
    if (!(error instanceof UnfitPattern)) throw error;
    const shown = source.length > longestShown ? `${source.slice(0, longestShown)}…` : source;
    throw new UnfitPattern(`${error.message}: ${shown}`);
  }
}

/** ajv tells what is no schema by the rule of the draft that it breaks: the first of them is the nearest. */
function whereInvalid(
  errors: readonly { readonly instancePath: string; readonly keyword: string }[] | null | undefined,
): string {
  const [{ instancePath = '', keyword = '' } = {}] = errors ?? [];
  return `it is no valid schema at ${instancePath || 'its top'} (it breaks "${keyword}" of its draft)`;
}

function inWords(message: string): string {
  const unknown = /^strict mode: unknown keyword: (".*")$/s.exec(message)?.[1];
  return unknown === undefined
    ? `cannot be compiled: ${message}`
    : `has ${unknown}, which is no keyword of JSON Schema; correct it or remove it`;
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

/**
 * Why a schema cannot be written as a program, whatever it means; `null` if it can. Every part is looked at, for a
 * reference may lead to one that is no schema where it stands.
 */
function unfitFor(value: unknown): string | null {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    return 'has a number beyond 1.8e308; write a smaller one, or none';
  }
  if (typeof value !== 'object' || value === null) return null;
  // In a program it would not be a key but what the object inherits from.
  if (Object.hasOwn(value, '__proto__')) return 'has the key "__proto__"; leave it out';
  if ((value as { readonly $async?: unknown }).$async !== undefined) return 'has the key "$async"; leave it out';
  for (const [key, inner] of Object.entries(value)) {
    // ajv writes it into a comment as it is, and this would end the comment: the rest would be run.
    if (key === '$id' && JSON.stringify(inner).includes('*/')) return 'has an $id with "*/" in it; write another one';
    const unfit = unfitFor(inner);
    if (unfit !== null) return unfit;
  }
  return null;
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
