/** The whole way from a file's text to a configuration, or to everything that is wrong with it. No I/O. */
import { createHash } from 'node:crypto';
import { findConflicts } from './conflicts.ts';
import { parseConfigDocument } from './document.ts';
import { byPlace, type ConfigError } from './errors.ts';
import { explainIssue } from './explain.ts';
import { type Resolved, resolve } from './resolve.ts';
import { configSchema } from './schema.ts';
import type { Config } from './types.ts';

/** A configuration with the sources of its values, or every error of the file, in the order of its lines. */
export type Loaded =
  | { readonly config: Config; readonly resolved: Resolved }
  | { readonly errors: readonly ConfigError[] };

/** Loads the text of a configuration file; `file` is its name as the user gave it. */
export function loadConfig(file: string, text: string): Loaded {
  const { document, errors } = parseConfigDocument(file, text);
  if (document === null) return { errors };
  const parsed = configSchema.safeParse(document.value, { reportInput: true });
  const all = [
    ...errors,
    ...findConflicts(document),
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => explainIssue(document, issue))),
  ];
  if (!parsed.success || all.length > 0) return { errors: all.toSorted(byPlace) };
  const resolved = resolve(document, parsed.data);
  const config: Config = {
    file,
    hash: createHash('sha256').update(text).digest('hex'),
    listen: resolved.listen,
    admin: resolved.admin,
    memory: resolved.memory,
    drain: resolved.drain,
    routes: resolved.routes.map(({ route }) => route),
  };
  return { config, resolved };
}
