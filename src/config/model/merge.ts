/** Several files as one: each top-level key stands in one of them only. */
import type { ConfigDocument, Place } from '../language/document.ts';
import type { ConfigError } from '../language/errors.ts';
import { errorAt } from './explain.ts';

/**
 * Joins parsed files, in the order given; a key that a later file repeats is an error, and the first one's value stays.
 */
export function mergeDocuments(documents: readonly [ConfigDocument, ...ConfigDocument[]]): {
  readonly document: ConfigDocument;
  readonly errors: readonly ConfigError[];
} {
  const [first, ...more] = documents;
  if (more.length === 0) return { document: first, errors: [] };
  // A file that is no mapping cannot be joined. Alone, it gets the usual error.
  const odd = documents.find(({ value }) => !isMapping(value));
  if (odd) return { document: odd, errors: [] };
  const file = documents.map((document) => document.file).join(', ');
  const nowhere = { file, line: 0, column: 0 };
  const places = new Map<string, Place>([['', { ...nowhere, key: nowhere, source: '' }]]);
  const value: Record<string, unknown> = {};
  const errors: ConfigError[] = [];
  for (const document of documents) {
    const repeated: string[] = [];
    for (const [key, content] of Object.entries(document.value as object)) {
      const before = places.get(key);
      if (Object.hasOwn(value, key) && before) {
        repeated.push(key);
        const where = `${before.file}:${before.key.line}`;
        errors.push(
          errorAt(document, [key], `stands in ${where} too; write each top-level key in one file only`, 'key'),
        );
      } else value[key] = content;
    }
    for (const [path, place] of document.places) {
      if (path !== '' && !repeated.some((key) => isBelow(path, key))) places.set(path, place);
    }
  }
  return { document: { file, value, places }, errors };
}

function isBelow(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}.`) || path.startsWith(`${key}[`);
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
