/** A configuration whose files say only a part: flags say another, and some keys have other defaults. */
import type { ConfigDocument, Place } from '../language/document.ts';
import { type ConfigError, type ConfigPath, formatPath } from '../language/errors.ts';
import { errorAt } from './explain.ts';

/** What stands beside the files. */
export interface Beside {
  readonly flags: object;
  /** Which flag has set the value at a path. */
  readonly setBy: ReadonlyMap<string, string>;
  /** What holds where neither flags nor files say anything. */
  readonly usual: object;
}

/** A document with everything; a key that both a flag and a file set is an error. */
export function layOver(
  document: ConfigDocument | null,
  { flags, setBy, usual }: Beside,
): { readonly document: ConfigDocument; readonly errors: readonly ConfigError[] } {
  const places = new Map(document?.places);
  const errors: ConfigError[] = [];
  const base = document?.value ?? {};
  if (typeof base !== 'object' || Array.isArray(base)) return { document: document!, errors };
  const add = (under: unknown, over: object, path: ConfigPath, flagged: boolean): unknown => {
    // What is no mapping is told of by the schema.
    if (under !== undefined && !isMapping(under)) return under;
    const joined = new Map<string, unknown>(Object.entries(under ?? {}));
    if (!places.has(formatPath(path))) places.set(formatPath(path), nowhere);
    for (const [key, value] of Object.entries(over)) {
      const at = [...path, key];
      const before = joined.get(key);
      if (isMapping(value)) joined.set(key, add(before, value, at, flagged));
      else if (before === undefined) {
        joined.set(key, value);
        places.set(formatPath(at), nowhere);
      } else if (flagged) {
        errors.push(errorAt(document!, at, `is set by ${setBy.get(formatPath(at))} too; remove one of them`, 'key'));
      }
    }
    return Object.fromEntries(joined);
  };
  const value = add(add(base, flags, [], true), usual, [], false);
  return { document: { file: document?.file ?? 'flags', value, places }, errors };
}

const position = { file: 'flags', line: 0, column: 0 };
const nowhere: Place = { ...position, key: position, source: '' };

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
