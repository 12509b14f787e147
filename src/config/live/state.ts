/** Which configuration holds, and what came of the last attempt to load another. */
import type { ConfigError } from '../language/errors.ts';
import type { Resolved } from '../model/resolved.ts';
import type { Config } from '../types.ts';

/** What an operator may want to know of the configuration; times are Unix time in milliseconds. */
export interface ConfigState {
  /** What is in force. */
  readonly config: Config;
  /** The same with the source of each value; `null` where it came from no file. */
  readonly resolved: Resolved | null;
  readonly loadedAtMs: number;
  /** Keys that stand otherwise in the files, and hold as they do here until a restart. */
  readonly needsRestart: readonly string[];
  /** Why the files as they stand now are not in force; `null` when they are. */
  readonly lastError: { readonly errors: readonly ConfigError[]; readonly atMs: number } | null;
}
