/** The rules of every route that validates messages, and the schema files that they name. */
import type { Route, Sender, Validation } from '../config/types.ts';
import { clean } from '../observe/log/clean.ts';
import { judgeText } from './judge.ts';
import type { Fault, MessageRules, Parsed, SchemaCheck } from './types.ts';

/** Makes a check of a schema's text, or says what is wrong with it in words that follow the file's name. */
export type CompileSchema = (text: string) => Promise<Parsed<SchemaCheck>>;

/** A file whose meaning is wanted; what is not a schema is a problem, in words that follow its name. */
export interface SchemaFile {
  readonly name: string;
  readonly path: string;
  readonly parse: CompileSchema;
  readonly changed: () => void;
}

/** Where files are read, and again when they change. */
export interface SchemaFiles {
  /** Resolves with what is wrong with files that were not read before. */
  follow(wanted: readonly SchemaFile[]): Promise<readonly string[]>;
  valueOf(name: string, path: string): unknown;
  close(): void;
}

/**
 * What a file says now. When its route is gone, the file is no longer followed, and the connections that live on keep
 * what it said last.
 */
interface Held {
  check: SchemaCheck;
}

/** A file that is not there cannot have said that a message is good. */
const unreadable: SchemaCheck = () => ({ rule: 'json_schema', path: '' });

/** The key of the configuration that names a file, for people. */
export const schemaKey = 'validate.text.json_schema';

export class Schemas {
  readonly #files: SchemaFiles;
  readonly #compile: CompileSchema;
  /** Of each file that is followed, by its path. */
  #held: ReadonlyMap<string, Held> = new Map();
  readonly #known = new WeakMap<Route, Readonly<Record<Sender, MessageRules | null>>>();

  constructor(files: SchemaFiles, compile: CompileSchema) {
    this.#files = files;
    this.#compile = compile;
  }

  /** Reads the files of these routes beside those in use; resolves with what is wrong with them. */
  async prepare(routes: readonly Route[]): Promise<readonly string[]> {
    const before = [...this.#held.keys()];
    const problems = await this.#follow([...new Set([...before, ...schemaPathsOf(routes)])]);
    if (problems.length > 0) await this.#follow(before);
    return problems;
  }

  /** Reads the files of these routes and forgets all others. */
  follow(routes: readonly Route[]): Promise<readonly string[]> {
    const read = this.#follow(schemaPathsOf(routes));
    // Made while their files are followed: a connection may say its first word when its route is gone.
    for (const route of routes) this.rulesOf(route, 'client');
    return read;
  }

  /** What a side's messages must be now. */
  rulesOf(route: Route, sender: Sender): MessageRules | null {
    let known = this.#known.get(route);
    if (known === undefined) {
      const reports = route.limits.mode === 'report';
      const make = (validation: Validation | null) => validation && this.#make(validation, reports);
      known = { client: make(route.validate.client), upstream: make(route.validate.upstream) };
      this.#known.set(route, known);
    }
    return known[sender];
  }

  close(): void {
    this.#files.close();
  }

  #follow(paths: readonly string[]): Promise<readonly string[]> {
    const before = this.#held;
    this.#held = new Map(paths.map((path) => [path, before.get(path) ?? { check: unreadable }]));
    return this.#files.follow([...this.#held].map(([path, held]) => this.#wanted(path, held)));
  }

  #wanted(path: string, held: Held): SchemaFile {
    const changed = () => {
      held.check = this.#files.valueOf(schemaKey, path) as SchemaCheck;
    };
    return { name: schemaKey, path, parse: this.#compile, changed };
  }

  #make({ schemaFile, maxDepth, maxTextBytes, action, binary, reply }: Validation, reports: boolean): MessageRules {
    const held = schemaFile === null ? { check: null } : (this.#held.get(schemaFile) ?? { check: unreadable });
    const template = JSON.stringify(reply);
    return {
      maxTextBytes,
      action: reports ? 'report' : action,
      rejectsBinary: binary === 'reject',
      judge: (payload) => judgeText(payload, { maxDepth, schema: held.check }),
      describe: (fault) => describeFault(fault, { maxDepth, maxTextBytes }),
      answer: (detail) => Buffer.from(answerOf(template, detail)),
    };
  }
}

/** The files that routes name. */
export function schemaPathsOf(routes: readonly Route[]): string[] {
  const all = routes.flatMap(({ validate }) => [validate.client?.schemaFile, validate.upstream?.schemaFile]);
  return [...new Set(all.filter((path) => typeof path === 'string'))];
}

const words: Readonly<Record<string, string>> = {
  utf8: 'a text message is not UTF-8',
  json: 'a text message is not JSON',
  binary: 'binary messages are not accepted',
  too_costly: 'a text message takes too much work to validate (too_costly)',
  json_schema: 'the json_schema cannot be read',
};
/** Of a longer place the beginning: a close reason has 123 bytes, and the name of the route stands behind it. */
const longestPlace = 48;

type TextBounds = Pick<Validation, 'maxDepth' | 'maxTextBytes'>;

/** The rule that a message broke, with its limit and what was seen, or where. */
export function describeFault({ rule, path, bytes }: Fault, { maxDepth, maxTextBytes }: TextBounds): string {
  if (rule === 'max_depth' && path === '') return `a text message nests deeper than max_depth, which is ${maxDepth}`;
  if (bytes !== undefined) {
    return `a text message of ${bytes} bytes exceeds text.max_size, which is ${maxTextBytes}`;
  }
  if (path === '' && Object.hasOwn(words, rule)) return words[rule]!;
  const place = path === '' ? 'the top' : clean(path);
  return `a text message breaks "${rule}" at ${place.length > longestPlace ? `${place.slice(0, longestPlace)}…` : place}`;
}

/** A template as JSON, with the detail in its texts: as part of a text it is escaped like one. */
function answerOf(template: string, detail: string): string {
  return template.replaceAll('{reason}', () => JSON.stringify(detail).slice(1, -1));
}
