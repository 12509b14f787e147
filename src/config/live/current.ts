/** The configuration in force: judges what was loaded to take its place, says so in the log, and counts. */

import type { Log } from '../../observe/log/log.ts';
import type { ConfigError } from '../language/errors.ts';
import { keepFixed } from '../model/fixed.ts';
import type { Loaded } from '../model/load.ts';
import type { Resolved } from '../model/resolved.ts';
import { type Config, labelledRoutes, type Route } from '../types.ts';
import { shownError } from './shown-error.ts';
import type { ConfigState } from './state.ts';

/** More errors than these help nobody who reads a log line; `sluice check` prints all. */
const mostLogged = 20;
/** Of thousands of routes a line names so many. */
const mostNames = 50;

export class CurrentConfig {
  /** How often another was loaded since the start. */
  readonly reloads = { success: 0, failure: 0 };
  readonly #log: Log;
  #state: ConfigState;

  constructor(config: Config, resolved: Resolved | null, log: Log) {
    this.#log = log;
    this.#state = { config, resolved, loadedAtMs: Date.now(), needsRestart: [], lastError: null };
  }

  get state(): ConfigState {
    return this.#state;
  }

  get config(): Config {
    return this.#state.config;
  }

  /**
   * Puts a new configuration in force, or keeps the old one and says why. `apply` is called in between with what will
   * hold: the new one, but for what cannot change while the process runs.
   */
  replace(loaded: Loaded, apply: (config: Config) => void): boolean {
    if ('errors' in loaded) {
      this.#reject(loaded.errors);
      return false;
    }
    const { config: before } = this.#state;
    const { config, differs } = keepFixed(before, loaded.config);
    if (labelledRoutes(config).length === 0) {
      this.#reject([withoutRoutes(config)]);
      return false;
    }
    apply(config);
    const resolved = { ...loaded.resolved, listen: config.listen, admin: config.admin };
    this.#state = { config, resolved, loadedAtMs: Date.now(), needsRestart: differs, lastError: null };
    this.reloads.success++;
    this.#log.tell('config_reloaded', {
      files: config.files,
      config_hash: config.hash,
      ...changesBetween(before, config),
    });
    if (differs.length > 0) {
      this.#log.tell('config_needs_restart', { keys: differs });
    }
    return true;
  }

  #reject(errors: readonly ConfigError[]): void {
    this.#state = { ...this.#state, lastError: { errors, atMs: Date.now() } };
    this.reloads.failure++;
    this.#log.tell('config_rejected', {
      errors: errors.slice(0, mostLogged).map(shownError),
      error_count: errors.length,
      config_hash: this.config.hash,
    });
  }
}

/** What is wrong where all routes would be those of a program, for which there is no place before a restart. */
function withoutRoutes({ files }: Config): ConfigError {
  const message = 'would be none until a restart, as routes_api holds only from then on; keep a route, or restart';
  return { file: files[0] ?? '', line: 0, column: 0, path: 'routes', message };
}

/** Which routes and templates of routes a change concerns, by name. */
function changesBetween(before: Config, after: Config): Record<string, readonly string[]> {
  const [earlier, later] = [labelledRoutes(before), labelledRoutes(after)];
  const old = new Map(earlier.map(({ name, fingerprint }) => [name, fingerprint]));
  const now = new Set(later.map(({ name }) => name));
  const isChanged = ({ name, fingerprint }: Route) => old.has(name) && old.get(name) !== fingerprint;
  return {
    routes_added: namesOf(later.filter(({ name }) => !old.has(name))),
    routes_changed: namesOf(later.filter(isChanged)),
    routes_removed: namesOf(earlier.filter(({ name }) => !now.has(name))),
  };
}

/** The names, as many as a line of the log can bear. */
export function namesOf(routes: readonly { readonly name: string }[]): readonly string[] {
  const names = routes.slice(0, mostNames).map(({ name }) => name);
  return routes.length > mostNames ? [...names, `and ${routes.length - mostNames} more`] : names;
}
