/**
 * YAML text to plain values that remember where they stand. Every way in which YAML can go wrong comes out as an
 * error with a position; nothing here knows what the keys mean.
 */
import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, parseDocument } from 'yaml';
import { byPlace, type ConfigError, type ConfigPath, formatPath } from './errors.ts';

/** Where a value stands, and its key where it has one. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly key: { readonly line: number; readonly column: number };
  /** A scalar as it was written; numbers keep their digits. */
  readonly source: string;
}

/** Stands for a value that has its error already: nothing more is said about it. */
export const unreadable = Symbol('unreadable');

/** A parsed file, or several as one: values as JSON knows them, and the place of each by its path. */
export interface ConfigDocument {
  /** The file's name; of several, all names. */
  readonly file: string;
  readonly value: unknown;
  readonly places: ReadonlyMap<string, Place>;
}

/** Aliases may repeat a part of the file; together they may not make it longer than any real configuration. */
export const mostValues = 50_000;
/** Far deeper than the deepest key; it bounds the recursion below. */
const mostLevels = 32;
/** A value takes six or so: itself, its key, a colon, spaces, the end of its line. */
const mostLexemes = 8 * mostValues;

/** Parses a file. Errors that leave the rest readable, such as a duplicate key, come with the document. */
export function parseConfigDocument(
  file: string,
  text: string,
): { readonly document: ConfigDocument | null; readonly errors: readonly ConfigError[] } {
  const tooMuch = findTooMuch(text);
  if (tooMuch !== null) return { document: null, errors: [{ file, path: '', ...tooMuch }] };
  const lines = new LineCounter();
  const parsed = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    logLevel: 'error',
    // The walk finds them too, and without comparing each key with each other one.
    uniqueKeys: false,
  });
  const walk = new Walk(file, lines);
  let broken = false;
  for (const problem of [...parsed.errors, ...parsed.warnings]) {
    broken = true;
    walk.fail([], problem.pos[0], yamlWords[problem.code] ?? `is not valid YAML: ${problem.message}; ${yamlRemedy}`);
    // What follows the first syntax error is mostly its echo.
    break;
  }
  if (broken) return { document: null, errors: walk.errors };
  if (parsed.contents === null) {
    return {
      document: null,
      errors: [{ file, line: 0, column: 0, path: '', message: 'is empty; write at least one key' }],
    };
  }
  const value = walk.read(parsed.contents, [], null, 0);
  return { document: { file, value, places: walk.places }, errors: walk.errors.toSorted(byPlace) };
}

/**
 * What a parser would take minutes or a gigabyte for, in a file of 1 MiB: it makes objects of all of it before anybody
 * can count them. So what it would read is counted first.
 */
function findTooMuch(text: string): Pick<ConfigError, 'line' | 'column' | 'message'> | null {
  let count = 0;
  let levels = 0;
  let at = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') levels++;
    else if (lexeme === ']' || lexeme === '}') levels--;
    if (levels > mostLevels) return { ...placeIn(text, at), message: tooDeep };
    if (++count > mostLexemes) {
      return { ...placeIn(text, at), message: `the file says more than ${mostValues} values can take; write fewer` };
    }
    // Marks of the lexer's own are no part of the text.
    if (!marks.has(lexeme)) at += lexeme.length;
  }
  return null;
}

function placeIn(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

const tooDeep = 'is nested too deeply; no key is that deep';
/** How yaml's lexer says that a document, a collection's end or a scalar comes. */
const marks: ReadonlySet<string> = new Set(['\x02', '\x18', '\x1f']);

/** Where a parser stumbles is mostly a line behind the mistake. */
const yamlRemedy = 'look here and in the lines before for indentation, a colon without its blank, quotes and brackets';

const yamlWords: Partial<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here; write one document in a file',
  TAB_AS_INDENT: 'a tab indents this line; write spaces',
  RESOURCE_EXHAUSTION: tooDeep,
  TAG_RESOLVE_FAILED: 'has a tag; write the plain value',
};

class Walk {
  readonly places = new Map<string, Place>();
  readonly errors: ConfigError[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #values = 0;
  /** Where the alias stands through which the walk goes now. */
  #aliasOffset: number | null = null;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  fail(path: ConfigPath, offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.errors.push({
      file: this.#file,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      path: formatPath(path),
      message,
    });
  }

  read(node: Node, path: ConfigPath, keyOffset: number | null, level: number): unknown {
    const offset = node.range?.[0] ?? 0;
    const { line, col } = this.#lines.linePos(offset);
    const key = keyOffset === null ? { line, col } : this.#lines.linePos(keyOffset);
    const source = isScalar(node) && node.source !== undefined ? node.source : '';
    const keyPlace = { line: key.line, column: key.col };
    this.places.set(formatPath(path), { file: this.#file, line, column: col, key: keyPlace, source });
    if (++this.#values > mostValues) {
      if (this.#values === mostValues + 1) {
        this.fail(
          path,
          this.#aliasOffset ?? offset,
          `the file holds more than ${mostValues} values, aliases included; write fewer`,
        );
      }
      return unreadable;
    }
    if (level > mostLevels) {
      this.fail(path, offset, tooDeep);
      return unreadable;
    }
    const target = this.#resolve(node, path, offset);
    if (target === null) return unreadable;
    const outermost = target !== node && this.#aliasOffset === null;
    if (outermost) this.#aliasOffset = offset;
    this.#open.add(target);
    const value = this.#content(target, path, level);
    this.#open.delete(target);
    if (outermost) this.#aliasOffset = null;
    return value;
  }

  #resolve(node: Node, path: ConfigPath, offset: number): Node | null {
    if (!isAlias(node)) {
      const anchor = 'anchor' in node ? node.anchor : undefined;
      if (anchor !== undefined) this.#anchors.set(anchor, node);
      return node;
    }
    const target = this.#anchors.get(node.source);
    if (target !== undefined && !this.#open.has(target)) return target;
    const why = target === undefined ? 'has no anchor before it' : 'stands inside its own anchor';
    this.fail(path, offset, `the alias *${node.source} ${why}; write the value itself (a text with * needs quotes)`);
    return null;
  }

  #content(node: Node, path: ConfigPath, level: number): unknown {
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item, i) => this.read(item as Node, [...path, i], null, level + 1));
    if (!isMap(node)) return null;
    const entries = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const keyNode = key as Node;
      const offset = keyNode.range?.[0] ?? node.range?.[0] ?? 0;
      const name = isScalar(keyNode) && keyNode.value !== null ? String(keyNode.value) : null;
      if (name === null || name === '__proto__') {
        this.fail(path, offset, 'a key here is not a name; write `key: value`');
        continue;
      }
      const inner = [...path, name];
      if (name === '<<') {
        this.fail(inner, offset, 'merge keys are not taken; write here the keys that the anchor has');
        // Whatever it was to bring would be told of as missing.
        return unreadable;
      }
      const before = this.places.get(formatPath(inner));
      if (entries.has(name)) {
        this.fail(inner, offset, `is written twice, first in line ${before?.key.line}; keep one`);
        continue;
      }
      entries.set(name, this.#entry(value as Node | null, inner, offset, level));
    }
    return Object.fromEntries(entries);
  }

  #entry(value: Node | null, path: ConfigPath, keyOffset: number, level: number): unknown {
    if (value !== null) return this.read(value, path, keyOffset, level + 1);
    const { line, col: column } = this.#lines.linePos(keyOffset);
    this.places.set(formatPath(path), { file: this.#file, line, column, key: { line, column }, source: '' });
    return null;
  }
}
