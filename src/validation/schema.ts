/**
 * Makes a program of a JSON Schema with ajv, of which three parts are ours: patterns match in linear time,
 * `uniqueItems`, `enum` and `const` do not compare one by one, and whatever a schema can have many of costs fuel, so
 * that no message keeps the thread. This takes 50 ms for a small schema and seconds for a large one, so it is for a
 * thread of its own (src/gateway/compile-aside.ts); what comes out is text, and running it is program.ts.
 */
import type { AnySchema, AnySchemaObject, Code, CodeKeywordDefinition, KeywordCxt } from 'ajv';
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
/**
 * To try a branch that stands in the schema itself takes 20 to 80 ns. What is in it costs besides. To look for a name
 * takes 1 to 140 ns: most where each object has a shape of its own.
 */
const unitsOfBranch = 1 / 4;

/** OpenAPI's, which Pydantic writes too. Names with `x-` are anybody's. */
const remarks = ['discriminator', 'example', 'externalDocs', 'xml'];

/** For the schemas themselves. */
const free = new Fuel(Number.POSITIVE_INFINITY);

/** Keywords that ajv judges in another way than the draft does, in part or where others stand beside them. */
const misjudged: Readonly<Record<string, string>> = {
  $dynamicRef: 'write $ref',
  unevaluatedItems: 'write items, behind prefixItems',
  unevaluatedProperties: 'write additionalProperties, and all properties in one place',
};

/** What a keyword costs where it is judged, in units; `null` for nothing. */
type CostOf = (context: KeywordCxt) => Code | null;

/** Loads ajv. */
export async function loadCompiler(): Promise<SchemaCompiler> {
  const [{ Ajv2020 }, { Ajv: Ajv7 }, codegen, standalone] = await Promise.all([
    import('ajv/dist/2020.js'),
    import('ajv'),
    import('ajv/dist/compile/codegen/index.js'),
    import('ajv/dist/standalone/index.js'),
  ]);
  const { _, stringify } = codegen;
  const write = defaultOf<typeof import('ajv/dist/standalone/index.js').default>(standalone);
  /** What the program has by these names. A schema itself is judged with these, which cost nothing. */
  const burn = { ref: () => {}, code: _`burn` };
  const burnFor = { ref: () => {}, code: _`burnFor` };
  const unique = { ref: (list: readonly unknown[]) => areUnique(list, free), code: _`areUnique` };
  const units = ({ gen }: KeywordCxt, count: Code | number) => _`${gen.scopeValue('func', burn)}(${count})`;
  /** As many branches as are listed; with `if` stand `then` and `else`. */
  const branches: CostOf = (context) =>
    units(context, (Array.isArray(context.schema) ? context.schema.length : 3) * unitsOfBranch);
  /** Each name is looked for in each object, each place in each list, though there be nothing. */
  const parts: CostOf = (context) => units(context, Object.keys(context.schema as object).length * unitsOfBranch);
  const items: CostOf = (context) => units(context, _`${context.data}.length`);
  const letters: CostOf = (context) => units(context, _`${context.data}.length / ${lettersPerUnit}`);
  const costs: Readonly<Record<string, CostOf>> = {
    $ref: ({ gen, data }) => _`${gen.scopeValue('func', burnFor)}(${data})`,
    ...{ allOf: branches, anyOf: branches, oneOf: branches, if: branches, not: branches },
    ...{ contains: items, minLength: letters, maxLength: letters },
    ...{ properties: parts, dependentRequired: parts, dependentSchemas: parts, dependencies: parts },
    prefixItems: parts,
    // A list of places in draft 7.
    items: (context) => (Array.isArray(context.schema) ? parts(context) : null),
  };
  const among = ({ gen, data }: KeywordCxt, allowed: readonly unknown[]) => {
    const isOne = isAmong(allowed);
    const ref = (value: unknown) => isOne(value, free);
    const name = gen.scopeValue('func', { ref, code: _`among(${stringify(allowed)})` });
    return _`!${name}(${data})`;
  };
  /** Where a list is shorter, ajv leaves out what stands behind this: `contains`, `uniqueItems`. */
  const tuple = (context: KeywordCxt): void => {
    const { gen, data, keyword } = context;
    for (const place of (context.schema as readonly AnySchema[]).keys()) {
      const valid = gen.name('valid');
      const judge = () => context.subschema({ keyword, schemaProp: place, dataProp: place }, valid);
      gen.if(_`${data}.length > ${place}`, judge, () => gen.var(valid, true));
      context.ok(valid);
    }
  };
  const ours: Readonly<Record<string, (context: KeywordCxt, theirs: CodeKeywordDefinition['code']) => void>> = {
    prefixItems: tuple,
    items: (context, theirs) => (Array.isArray(context.schema) ? tuple(context) : theirs(context)),
    uniqueItems(context) {
      if (context.schema === true) context.fail(_`!${context.gen.scopeValue('func', unique)}(${context.data})`);
    },
    enum(context) {
      const allowed = context.schema as readonly unknown[];
      if (allowed.length === 0) throw new Error('enum must have non-empty array');
      context.fail(among(context, allowed));
    },
    const(context) {
      context.fail(among(context, [context.schema]));
    },
  };
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
  const translate = (schema: AnySchemaObject | boolean, is7: boolean, keys: readonly string[]): string => {
    // Of one base, which the library's types do not say.
    const ajv = is7 ? new Ajv7(options) : (new Ajv2020(options) as unknown as InstanceType<typeof Ajv7>);
    // In place: which keyword stands before which matters to some.
    const change = (
      keyword: string,
      changed: (code: CodeKeywordDefinition['code']) => CodeKeywordDefinition['code'],
    ) => {
      const rule = ajv.RULES.all[keyword] as { definition: CodeKeywordDefinition } | undefined;
      if (rule === undefined) return;
      const { error: _error, ...definition } = rule.definition;
      rule.definition = { ...definition, code: changed(definition.code) };
    };
    for (const [keyword, code] of Object.entries(ours)) change(keyword, (theirs) => (context) => code(context, theirs));
    for (const [keyword, cost] of Object.entries(costs)) {
      change(keyword, (code) => (context, ruleType) => {
        const burnt = cost(context);
        if (burnt !== null) context.gen.code(burnt);
        code(context, ruleType);
      });
    }
    // `$anchor` ajv knows by itself, but not by name.
    ajv.addVocabulary(['$anchor', ...remarks, ...new Set(keys.filter((key) => /^x-[\w$:-]*$/.test(key)))]);
    if (ajv.validateSchema(schema) !== true) throw new Error(whereInvalid(ajv.errors));
    // Behind the schema of schemas, which has one of these.
    for (const [keyword, remedy] of Object.entries(misjudged)) {
      change(keyword, () => () => {
        throw new UnfitKeyword(`has "${keyword}", which is not judged here; ${remedy}`);
      });
    }
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
    const unfit = unfitFor(parsed.value, draft === draft7);
    if (unfit !== null) return { problem: unfit };
    try {
      const program = { text: translate(parsed.value, draft === draft7, keys), names: new Set(keys) };
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
        problem: inWords(error as Error),
      };
    }
  };
}

/** Why a keyword cannot be used, in words that follow the file's name. */
class UnfitKeyword extends Error {}

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

function inWords(error: Error): string {
  const { message } = error;
  if (error instanceof UnfitKeyword) return message;
  if (error instanceof UnfitPattern) return `has a pattern that ${message}`;
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
function unfitFor(value: unknown, is7: boolean): string | null {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    return 'has a number beyond 1.8e308; write a smaller one, or none';
  }
  if (typeof value !== 'object' || value === null) return null;
  // In a program it would not be a key but what the object inherits from.
  if (Object.hasOwn(value, '__proto__')) return 'has the key "__proto__"; leave it out';
  if ((value as { readonly $async?: unknown }).$async !== undefined) return 'has the key "$async"; leave it out';
  // To draft 7 the $id says nothing there, and to ajv it says where the $ref leads.
  const { $id, $ref } = value as { readonly $id?: unknown; readonly $ref?: unknown };
  if (is7 && typeof $id === 'string' && typeof $ref === 'string') return 'has an $id beside a $ref; leave the $id out';
  for (const [key, inner] of Object.entries(value)) {
    // ajv writes it into a comment as it is, and this would end the comment: the rest would be run.
    if (key === '$id' && JSON.stringify(inner).includes('*/')) return 'has an $id with "*/" in it; write another one';
    const unfit = unfitFor(inner, is7);
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
