/**
 * Tells when the contents of files change. What is watched are the folders that they stand in: Kubernetes changes a
 * mounted ConfigMap by swapping a link beside the files, and editors put a new file in the place of the old one. An
 * event is only a hint; what the files hold decides. A slow poll finds what no event tells of.
 */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inTurn } from '../../files.ts';
import { contentDigest, type FileContent, readFiles } from './read.ts';

export interface WatchEvents {
  /** The files hold something else than before, or a check was forced. The next look waits until this is done. */
  changed(contents: readonly FileContent[]): unknown;
  /** A folder cannot be watched; told once, until it can. The poll goes on. */
  failed(folder: string, error: Error): void;
  /** A mistake of ours in `changed`: what the files held before stays in force. */
  broke(error: unknown): void;
}

/** Whoever writes a file writes several times: the files are read when it was quiet for so long. */
const quietMs = 100;
/** A folder that is never quiet must not hide a change. */
const longestWaitMs = 1000;
const pollMs = 10_000;
/** While a folder is not there, only the poll finds out that it has come. */
const pollMissingMs = 1000;

interface Watch {
  readonly watcher: FSWatcher;
  /** Which folder the name meant when the watching began. */
  readonly inode: bigint;
}

export class FileWatcher implements Disposable {
  readonly #paths: readonly string[];
  readonly #folders: readonly string[];
  readonly #events: WatchEvents;
  readonly #watches = new Map<string, Watch>();
  readonly #failing = new Set<string>();
  #digest: string;
  #quiet: NodeJS.Timeout | undefined;
  /** When the first event came that was not followed by a look at the files yet. */
  #unseenSince: number | null = null;
  #poll: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();
  /** The look that has not begun yet. */
  #next: Promise<void> | null = null;
  #isForced = false;
  #closed = false;

  /** `seen` is what the files held when they were read last. */
  constructor(seen: readonly FileContent[], events: WatchEvents) {
    this.#paths = seen.map(({ file }) => file);
    this.#folders = [...new Set(this.#paths.map((path) => dirname(path)))];
    this.#digest = contentDigest(seen);
    this.#events = events;
  }

  /** Begins to watch; resolves after a first look at the files. */
  start(): Promise<void> {
    return this.check();
  }

  /** Looks at the files now; `forced` tells of them even if they are as before. Resolves when that is done. */
  check(forced = false): Promise<void> {
    this.#isForced ||= forced;
    // One at a time: an older look must not overtake a newer one. One that has not begun will see what all want seen
    // who ask meanwhile: a program that signals each second must not queue loads that take longer.
    this.#next ??= this.#checking = this.#checking
      .then(() => this.#begin())
      .catch((error) => this.#events.broke(error));
    return this.#next;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#quiet);
    clearTimeout(this.#poll);
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #begin(): Promise<void> {
    const forced = this.#isForced;
    this.#next = null;
    this.#isForced = false;
    return this.#check(forced);
  }

  async #check(forced: boolean): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#poll);
    // Watch first: what changes after the reading is told of by an event.
    await Promise.all(this.#folders.map((folder) => this.#watch(folder)));
    const contents = await readFiles(this.#paths);
    if (this.#closed) return;
    const all = this.#watches.size === this.#folders.length;
    this.#poll = setTimeout(() => this.check(), all ? pollMs : pollMissingMs).unref();
    const digest = contentDigest(contents);
    if (digest === this.#digest && !forced) return;
    this.#digest = digest;
    await this.#events.changed(contents);
  }

  /** Watches the folder that has this name now; another may have taken its place. */
  async #watch(folder: string): Promise<void> {
    try {
      const { ino } = await inTurn(folder, () => stat(folder, { bigint: true }));
      if (this.#closed || this.#watches.get(folder)?.inode === ino) return;
      this.#forget(folder);
      const watcher = watch(folder, { persistent: false }, () => this.#onEvent());
      this.#watches.set(folder, { watcher, inode: ino });
      watcher.on('error', (error) => this.#fail(folder, error));
      this.#failing.delete(folder);
    } catch (error) {
      this.#fail(folder, error as Error);
    }
  }

  #fail(folder: string, error: Error): void {
    this.#forget(folder);
    if (this.#failing.has(folder)) return;
    this.#failing.add(folder);
    this.#events.failed(folder, error);
  }

  #forget(folder: string): void {
    this.#watches.get(folder)?.watcher.close();
    this.#watches.delete(folder);
  }

  #onEvent(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#unseenSince ??= now;
    const wait = Math.min(quietMs, Math.max(0, this.#unseenSince + longestWaitMs - now));
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#unseenSince = null;
      this.check();
    }, wait);
  }
}
