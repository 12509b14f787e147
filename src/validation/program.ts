/** The text that was made of a JSON Schema, as a check of messages. */
import { Script } from 'node:vm';
import * as equal from 'ajv/dist/runtime/equal.js';
import * as ucs2length from 'ajv/dist/runtime/ucs2length.js';
import { areUnique, isAmong } from './canonical.ts';
import { LinearPattern } from './linear-pattern.ts';
import { Fuel, type SchemaCheck } from './types.ts';

/** A schema as it goes from the thread that has compiled it to the one that relays. */
export interface SchemaProgram {
  /** A module of CommonJS, written by ajv. */
  readonly text: string;
  /** Every key of the schema. */
  readonly names: ReadonlySet<string>;
  /** What V8 has made of the text, which takes it ten times as long as to read this. */
  readonly machine?: Uint8Array;
}

/** What ajv gives to the text. */
interface Validate {
  (value: unknown): boolean;
  errors?: readonly { readonly keyword: string; readonly instancePath: string }[] | null;
}

/** Its names that are not JavaScript's. */
type Run = (
  module: { exports: unknown },
  require: (file: string) => unknown,
  ...ours: ((...args: never[]) => unknown)[]
) => void;

/** What the text may ask for: what is equal, and the lengths of texts. */
const files: Readonly<Record<string, { readonly default: unknown }>> = {
  'ajv/dist/runtime/equal': { default: defaultOf(equal) },
  'ajv/dist/runtime/ucs2length': { default: defaultOf(ucs2length) },
};

/** What a file of CommonJS has for `default`, which comes wrapped. */
export function defaultOf<T>(module: { readonly default: unknown }): T {
  const inner = module.default as { readonly default?: T };
  return inner.default ?? (module.default as T);
}

/** Puts a program to use; `script` is what V8 makes of its text. */
export function startProgram({ text, names, machine }: SchemaProgram): {
  readonly check: SchemaCheck;
  readonly script: Script;
} {
  // The fuel of the message that is being judged; there is one at a time.
  let fuel = new Fuel(Number.POSITIVE_INFINITY);
  const script = new Script(`(module, require, burn, burnFor, areUnique, among, pattern) => {${text}}`, {
    ...(machine === undefined ? {} : { cachedData: machine }),
  });
  const module = { exports: undefined as unknown };
  const among = (allowed: readonly unknown[]) => {
    const isOne = isAmong(allowed);
    return (value: unknown) => isOne(value, fuel);
  };
  const pattern = (source: string) => {
    const linear = new LinearPattern(source);
    return { test: (tested: string) => linear.test(tested, fuel) };
  };
  (script.runInThisContext() as Run)(
    module,
    (file) => files[file],
    (units: number) => fuel.burn(units),
    (data: unknown) => fuel.burnFor(data),
    (items: readonly unknown[]) => areUnique(items, fuel),
    among,
    pattern,
  );
  const validate = module.exports as Validate;
  const check: SchemaCheck = (value, given) => {
    fuel = given;
    if (validate(value)) return null;
    // Those of the branches of an `anyOf` stand before its own.
    const last = validate.errors!.at(-1)!;
    return { rule: last.keyword, path: shownPath(last.instancePath, value, names) };
  };
  return { check, script };
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
