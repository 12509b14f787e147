/**
 * Text files whose meaning the running gateway reads: users, tokens, keys. Each is read when a configuration that names
 * it is put in force, and again when it changes; what cannot be used leaves what was in use in its place.
 */
import type { Log } from '../../observe/log/log.ts';
import type { Result } from '../language/result.ts';
import { type FileContent, readFiles, whyUnreadable } from './read.ts';
import { FileWatcher } from './watch.ts';

/** A file, and what its text means. Two of one name and path are the same. */
export interface WantedFile {
  /** The key of the configuration that names it. */
  readonly name: string;
  readonly path: string;
  /** `problem` are words that follow the path. Secrets are not quoted. What takes long is done in slices, or in a thread. */
  readonly parse: (text: string) => Result<unknown> | Promise<Result<unknown>>;
  /** Called when something else is in use. */
  readonly changed?: () => void;
}

/** Which lines of the log tell of such files. */
export interface FileEvents {
  readonly unwatched: 'auth' | 'schema';
  loaded(log: Log, fields: { readonly key: string; readonly file: string }): void;
  rejected(log: Log, problem: string, when: 'first' | 'changed'): void;
}

const authFiles: FileEvents = {
  unwatched: 'auth',
  loaded: (log, fields) => log.tell('auth_file_loaded', fields),
  rejected: (log, problem, when) => log.tell('auth_file_rejected', { problem }, when),
};

export const schemaFiles: FileEvents = {
  unwatched: 'schema',
  loaded: (log, fields) => log.tell('schema_loaded', fields),
  rejected: (log, problem, when) => log.tell('schema_rejected', { problem }, when),
};

export class WatchedFiles {
  readonly #log: Log;
  readonly #events: FileEvents;
  readonly #files = new Map<string, WatchedFile>();

  constructor(log: Log, events = authFiles) {
    this.#log = log;
    this.#events = events;
  }

  /**
   * Reads what is wanted and forgets everything else; resolves with what is wrong with files that were not read before.
   */
  async follow(wanted: readonly WantedFile[]): Promise<readonly string[]> {
    const keys = new Set(wanted.map(keyOf));
    for (const [key, file] of this.#files) {
      if (keys.has(key)) continue;
      file.close();
      this.#files.delete(key);
    }
    const added: WatchedFile[] = [];
    for (const one of wanted) {
      if (this.#files.has(keyOf(one))) continue;
      const file = new WatchedFile(one, this.#log, this.#events);
      this.#files.set(keyOf(one), file);
      added.push(file);
    }
    const problems = await Promise.all(added.map((file) => file.read));
    return problems.flatMap((problem) => problem ?? []);
  }

  /** What a file means now; `null` where it could never be used. */
  valueOf(name: string, path: string): unknown {
    return this.#files.get(keyOf({ name, path }))?.value ?? null;
  }

  /** How many files say something now that cannot be used. */
  get rejected(): number {
    return [...this.#files.values()].filter(({ isRejected }) => isRejected).length;
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

class WatchedFile {
  /** Resolves with what was wrong when it was read first. */
  readonly read: Promise<string | null>;
  value: unknown = null;
  /** Whether it says something now that cannot be used. */
  isRejected = false;
  readonly #wanted: WantedFile;
  readonly #log: Log;
  readonly #events: FileEvents;
  #watcher: FileWatcher | null = null;
  #closed = false;

  constructor(wanted: WantedFile, log: Log, events: FileEvents) {
    this.#wanted = wanted;
    this.#events = events;
    this.#log = log;
    this.read = this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
  }

  async #start(): Promise<string | null> {
    const contents = await readFiles([this.#wanted.path]);
    if (this.#closed) return null;
    const problem = await this.#take(contents);
    if (this.#closed) return null;
    this.#watcher = new FileWatcher(contents, {
      changed: (changed) => this.#take(changed),
      failed: (folder, error) =>
        this.#log.tell('config_not_watched', { folder, error: error.message }, this.#events.unwatched),
      broke: (error) => this.#log.tell('config_reload_bug', { err: error }),
    });
    await this.#watcher.start();
    return problem;
  }

  async #take([content]: readonly FileContent[]): Promise<string | null> {
    const { name, path, parse, changed } = this.#wanted;
    const judged = textOf(content!);
    const parsed = 'problem' in judged ? judged : await parse(judged.value);
    if (this.#closed) return null;
    this.isRejected = 'problem' in parsed;
    if ('problem' in parsed) {
      const problem = `${name}: ${path} ${parsed.problem}`;
      this.#events.rejected(this.#log, problem, this.value === null ? 'first' : 'changed');
      return problem;
    }
    this.value = parsed.value;
    this.#events.loaded(this.#log, { key: name, file: path });
    changed?.();
    return null;
  }
}

/** The text of a file, or what keeps it from being one. */
export function textOf(content: FileContent): Result<string> {
  if ('error' in content) return { problem: whyUnreadable(content.error) };
  try {
    return { value: new TextDecoder('utf-8', { fatal: true }).decode(content.bytes) };
  } catch {
    return { problem: 'is not UTF-8 text; save it as UTF-8' };
  }
}

function keyOf({ name, path }: Pick<WantedFile, 'name' | 'path'>): string {
  return JSON.stringify([name, path]);
}
