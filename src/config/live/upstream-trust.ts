/**
 * The files of every route's `upstream_tls`: read when a configuration is put in force, and again when they change.
 * Routes that name the same files share what is made of them.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Log } from '../../observe/log/log.ts';
import type { Problem, Result } from '../language/result.ts';
import { type Config, labelledRoutes, type UpstreamTls } from '../types.ts';
import { type FileContent, readFiles } from './read.ts';
import {
  judgeUpstreamFiles,
  pathsOf,
  type SecuredTarget,
  securedTargets,
  type UpstreamCredentials,
  type UpstreamFiles,
} from './upstream-files.ts';
import { FileWatcher } from './watch.ts';

/** What a connection is secured by, or why the files cannot be used. */
type Trust = { readonly context: SecureContext } | Problem;

export class UpstreamTrust {
  readonly #log: Log;
  readonly #sets = new Map<string, FileSet>();
  /** Without files: the public authorities, which take Node 20 ms to read. */
  #public: Trust | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Reads what a configuration names and forgets what others named; resolves with what is wrong with files that were
   * not read before.
   */
  async follow(config: Pick<Config, 'routes' | 'routesApi' | 'quotas'>): Promise<readonly string[]> {
    const named = new Map<string, SecuredTarget>();
    for (const target of [...labelledRoutes(config).flatMap(securedTargets), ...storeOf(config)]) {
      const key = keyOf(target.upstreamTls);
      if (pathsOf(target.upstreamTls).length > 0 && !named.has(key)) named.set(key, target);
    }
    for (const [key, set] of this.#sets) {
      if (named.has(key)) continue;
      set.close();
      this.#sets.delete(key);
    }
    const added = [...named].filter(([key]) => !this.#sets.has(key));
    const sets = added.map(([key, target]) => {
      const set = new FileSet(target, this.#log);
      this.#sets.set(key, set);
      return set;
    });
    const read = await Promise.all(sets.map((set) => set.trust()));
    return read.flatMap((trust) => ('problem' in trust ? trust.problem : []));
  }

  /** The trust of an `upstream_tls`. */
  async of(tls: UpstreamTls): Promise<Trust> {
    if (pathsOf(tls).length === 0) {
      this.#public ??= { context: createSecureContext() };
      return this.#public;
    }
    // A request that began under an older configuration may need files that nobody watches any more.
    const watched = this.#sets.get(keyOf(tls));
    return watched?.trust() ?? trustOf(judgeUpstreamFiles(tls, await readFiles(pathsOf(tls))));
  }

  /** How many sets of files say something now that cannot be used. */
  get rejected(): number {
    return [...this.#sets.values()].filter(({ isRejected }) => isRejected).length;
  }

  close(): void {
    for (const set of this.#sets.values()) set.close();
    this.#sets.clear();
  }
}

/** The files of one or several routes. */
class FileSet {
  /** Whether they say something now that cannot be used. */
  isRejected = false;
  readonly #files: UpstreamFiles;
  /** Who named them first. */
  readonly #section: string;
  readonly #log: Log;
  readonly #read: Promise<void>;
  #trust: Trust = { problem: 'the files of upstream_tls are not read yet' };
  #watcher: FileWatcher | null = null;
  #closed = false;

  constructor({ upstreamTls, section }: SecuredTarget, log: Log) {
    this.#files = upstreamTls;
    this.#section = section;
    this.#log = log;
    this.#read = this.#start();
  }

  /** What is in force; waits for the first reading. */
  async trust(): Promise<Trust> {
    await this.#read;
    return this.#trust;
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
  }

  async #start(): Promise<void> {
    const contents = await readFiles(pathsOf(this.#files));
    if (this.#closed) return;
    this.#take(contents);
    this.#watcher = new FileWatcher(contents, {
      changed: (changed) => this.#take(changed),
      failed: (folder, error) => this.#log.tell('config_not_watched', { folder, error: error.message }, 'upstream'),
      broke: (error) => this.#log.tell('config_reload_bug', { err: error }),
    });
    await this.#watcher.start();
  }

  /** Takes what can be used; else what was in use stays. */
  #take(contents: readonly FileContent[]): void {
    const judged = judgeUpstreamFiles(this.#files, contents, this.#section);
    this.isRejected = 'problem' in judged;
    if ('problem' in judged) {
      const { problem } = judged;
      const before = 'context' in this.#trust;
      if (!before) this.#trust = judged;
      this.#log.tell('upstream_tls_rejected', { problem }, before ? 'changed' : 'first');
      return;
    }
    this.#trust = { context: judged.value.context };
    const { ca, clientCert } = this.#files;
    this.#log.tell('upstream_tls_loaded', { ca, client_cert: clientCert, ...judged.value.facts });
  }
}

function trustOf(judged: Result<UpstreamCredentials>): Trust {
  return 'problem' in judged ? judged : { context: judged.value.context };
}

/** The store of quotas, where one is named and speaks TLS. */
function storeOf({ quotas }: Pick<Config, 'quotas'>): SecuredTarget[] {
  if (quotas === null || quotas.target.protocol === 'http:') return [];
  return [{ section: 'quotas.tls', upstream: quotas.target, upstreamTls: quotas.tls }];
}

function keyOf({ ca, clientCert, clientKey }: UpstreamFiles): string {
  return JSON.stringify([ca, clientCert, clientKey]);
}
