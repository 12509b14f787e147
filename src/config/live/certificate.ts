/** The certificate of the public port: read at the start, and again when its files change. */
import type { Log } from '../../observe/log/log.ts';
import type { Result } from '../language/result.ts';
import { type FileContent, readFiles } from './read.ts';
import { judgePair, type TlsFiles, type TlsPair } from './tls-pair.ts';
import { FileWatcher } from './watch.ts';

/** Takes a pair that fits. */
type Use = (pair: TlsPair) => void;

export class Certificate {
  readonly #log: Log;
  readonly #use: Use;
  #files: TlsFiles;
  #watcher: FileWatcher;

  /** Reads and uses the pair of these files; says what is wrong with them where they cannot be used. */
  static async open(files: TlsFiles, log: Log, use: Use): Promise<Result<Certificate>> {
    const contents = await readFiles([files.cert, files.key]);
    const pair = judge(contents);
    if ('problem' in pair) return pair;
    const certificate = new Certificate(files, contents, log, use);
    certificate.#take(contents);
    await certificate.#watcher.start();
    return { value: certificate };
  }

  private constructor(files: TlsFiles, seen: readonly FileContent[], log: Log, use: Use) {
    this.#log = log;
    this.#use = use;
    this.#files = files;
    this.#watcher = this.#watch(seen);
  }

  /** Goes on with these files, the same or others, and looks at them now. */
  async follow(files: TlsFiles): Promise<void> {
    if (files.cert !== this.#files.cert || files.key !== this.#files.key) {
      this.#files = files;
      this.#watcher.close();
      const contents = await readFiles([files.cert, files.key]);
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
    });
  }

  #take(contents: readonly FileContent[]): void {
    const pair = judge(contents);
    if ('problem' in pair) {
      this.#log.tell('tls_rejected', { problem: pair.problem });
      return;
    }
    this.#use(pair.value);
    const { names, validUntil } = pair.value;
    this.#log.tell('tls_loaded', { ...this.#files, names, valid_until: validUntil.toISOString() });
  }
}

function judge(contents: readonly FileContent[]): Result<TlsPair> {
  const [cert, key] = contents;
  return judgePair(cert!, key!);
}
