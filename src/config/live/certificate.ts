/**
 * The certificates of the public port, and the authorities whose client certificates count: read at the start, and
 * again when their files change.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../observe/log/log.ts';
import type { Result } from '../language/result.ts';
import type { ListenTls } from '../types.ts';
import { judgeListenFiles, type ListenCredentials, listenPaths } from './listen-files.ts';
import { type FileContent, readFiles } from './read.ts';
import { FileWatcher } from './watch.ts';

/** Takes what fits. */
type Use = (credentials: ListenCredentials) => void;

export class Certificate {
  /** Whether the files say something now that cannot be used. */
  isRejected = false;
  readonly #log: Log;
  readonly #use: Use;
  #files: ListenTls;
  #watcher: FileWatcher;

  /** Reads and uses these files; says what is wrong with them where they cannot be used. */
  static async open(files: ListenTls, log: Log, use: Use): Promise<Result<Certificate>> {
    const contents = await readFiles(listenPaths(files));
    const certificate = new Certificate(files, contents, log, use);
    const problem = certificate.#apply(contents);
    if (problem !== null) return { problem };
    await certificate.#watcher.start();
    return { value: certificate };
  }

  private constructor(files: ListenTls, seen: readonly FileContent[], log: Log, use: Use) {
    this.#log = log;
    this.#use = use;
    this.#files = files;
    this.#watcher = this.#watch(seen);
  }

  /** Goes on with these files, the same or others, and looks at them now. */
  async follow(files: ListenTls): Promise<void> {
    if (!isDeepStrictEqual(files, this.#files)) {
      this.#files = files;
      this.#watcher.close();
      const contents = await readFiles(listenPaths(files));
      // Another change of the paths may have come meanwhile.
      if (this.#files !== files) return;
      this.#watcher = this.#watch(contents);
      this.#take(contents);
      await this.#watcher.start();
      return;
    }
    await this.#watcher.check();
  }

  close(): void {
    this.#watcher.close();
  }

  #watch(seen: readonly FileContent[]): FileWatcher {
    return new FileWatcher(seen, {
      changed: (contents) => this.#take(contents),
      failed: (folder, error) => this.#log.tell('config_not_watched', { folder, error: error.message }, 'certificate'),
      broke: (error) => this.#log.tell('config_reload_bug', { err: error }),
    });
  }

  #take(contents: readonly FileContent[]): void {
    const problem = this.#apply(contents);
    this.isRejected = problem !== null;
    if (problem !== null) this.#log.tell('tls_rejected', { problem });
  }

  /** Puts what the files hold in force, or says why it cannot be. */
  #apply(contents: readonly FileContent[]): string | null {
    const judged = judgeListenFiles(this.#files, contents);
    if ('problem' in judged) return judged.problem;
    const { cert, key } = this.#files;
    try {
      this.#use(judged.value.credentials);
    } catch (error) {
      // How TLS is spoken may ask for more than the files have: a longer key, for example.
      return `listen.tls: ${cert} and ${key} cannot be used: ${(error as Error).message}`;
    }
    this.#log.tell('tls_loaded', { cert, key, ...judged.value.facts });
    return null;
  }
}
