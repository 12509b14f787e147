/** Makes a configuration of the files' texts, or says everything that is wrong with them. */
import { createHash } from 'node:crypto';
import { type ConfigDocument, parseConfigDocument } from '../language/document.ts';
import { byPlace, type ConfigError } from '../language/errors.ts';
import type { Config } from '../types.ts';
import { findConflicts } from './conflicts.ts';
import { explainIssue } from './explain.ts';
import { mergeDocuments } from './merge.ts';
import { type Beside, layOver } from './overlay.ts';
import { resolve } from './resolve.ts';
import type { Resolved } from './resolved.ts';
import { configSchema } from './schema.ts';

/**
 * A configuration with the sources of its values and, where it was loaded in this very thread, the place of each value;
 * or every error of its files, in the order of files and lines.
 */
export type Loaded =
  | { readonly config: Config; readonly resolved: Resolved; readonly places?: ConfigDocument['places'] }
  | { readonly errors: readonly ConfigError[] };

/** A file's name as the user gave it, and its text. */
export interface ConfigText {
  readonly file: string;
  readonly text: string;
}

/** Nobody reads more at once; a file of 1 MiB had 40 MB of them. */
const mostErrors = 10_000;

function firstOf(errors: readonly ConfigError[]): readonly ConfigError[] {
  if (errors.length <= mostErrors) return errors;
  const more = errors.length - mostErrors;
  const { file } = errors[mostErrors]!;
  const message = `has ${more} more errors; correct the first ${mostErrors} before`;
  return [...errors.slice(0, mostErrors), { file, line: 0, column: 0, path: '', message }];
}

/** Loads a configuration that stands in one file. */
export function loadConfig(file: string, text: string): Loaded {
  return loadConfigs([{ file, text }]);
}

/** Loads a configuration of one file or more; each top-level key stands in one of them. `beside` is what flags say. */
export function loadConfigs(texts: readonly ConfigText[], beside: Beside | null = null): Loaded {
  const files = texts.map(({ file }) => file);
  const parts = texts.map(({ file, text }) => parseConfigDocument(file, text));
  const errors = parts.flatMap((part) => part.errors);
  const [first, ...more] = parts.flatMap(({ document }) => document ?? []);
  const isWhole = first !== undefined && more.length + 1 === files.length;
  // Where one file is missing, the others would be blamed for what stands in it.
  if (!isWhole && !(beside !== null && files.length === 0)) return { errors: firstOf(errors) };
  const joined = first === undefined ? { document: null, errors: [] } : mergeDocuments([first, ...more]);
  const laid = beside === null ? { document: joined.document!, errors: [] } : layOver(joined.document, beside);
  const { document } = laid;
  const repeated = [...joined.errors, ...laid.errors];
  const parsed = configSchema.safeParse(document.value, { reportInput: true });
  const all = [
    ...errors,
    ...repeated,
    ...findConflicts(document),
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => explainIssue(document, issue))),
  ];
  if (!parsed.success || all.length > 0) {
    const inOrder = (a: ConfigError, b: ConfigError) => files.indexOf(a.file) - files.indexOf(b.file) || byPlace(a, b);
    return { errors: firstOf(all.toSorted(inOrder)) };
  }
  const resolved = resolve(document, parsed.data, files);
  const hash = createHash('sha256');
  for (const { text } of texts) hash.update(text);
  const config: Config = {
    files,
    hash: hash.digest('hex'),
    listen: resolved.listen,
    admin: resolved.admin,
    memory: resolved.memory,
    drain: resolved.drain,
    log: resolved.log,
    revokedUsers: resolved.revokedUsers,
    quotas: resolved.quotas,
    routes: resolved.routes.map(({ route }) => route),
    routesApi: resolved.routesApi,
  };
  return { config, resolved, places: document.places };
}
