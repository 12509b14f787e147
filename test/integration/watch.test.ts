/** Files that change as editors, deployments and Kubernetes change them, on a real file system. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type FileContent, readFiles } from '../../src/config/live/read.ts';
import { FileWatcher } from '../../src/config/live/watch.ts';
import { ConfigMapVolume } from '../helpers/config-map.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a watcher told, in order; each `next` waits for one more. */
class Told implements Disposable {
  readonly changes: string[] = [];
  readonly failures: string[] = [];
  watcher!: FileWatcher;
  #wake = Promise.withResolvers<void>();
  #returned = 0;

  static async of(...paths: string[]): Promise<Told> {
    const told = new Told();
    told.watcher = new FileWatcher(await readFiles(paths), {
      changed: (contents) => told.#tell(told.changes, contents.map(textOf).join('|')),
      failed: (name, error) => told.#tell(told.failures, `${name}: ${(error as NodeJS.ErrnoException).code}`),
      broke: (error) => told.#tell(told.failures, (error as Error).message),
    });
    await told.watcher.start();
    return told;
  }

  async next(): Promise<string> {
    while (this.changes.length === this.#returned) await this.#wake.promise;
    return this.changes[this.#returned++]!;
  }

  async failure(): Promise<string> {
    while (this.failures.length === 0) await this.#wake.promise;
    return this.failures[0]!;
  }

  #tell(list: string[], what: string): void {
    list.push(what);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  [Symbol.dispose](): void {
    this.watcher.close();
  }
}

function textOf(content: FileContent): string {
  return 'bytes' in content ? content.bytes.toString() : String(content.error.code);
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('a file that is written in place, or replaced by a renamed one, is seen', async () => {
  using told = await Told.of(write('a', '1'));
  write('a', '2');
  expect(await told.next()).toBe('2');
  renameSync(write('a.tmp', '3'), join(folder, 'a'));
  expect(await told.next()).toBe('3');
});

test('neither other files of the folder nor the same text again are told of, unless it is asked for', async () => {
  using told = await Told.of(write('a', '1'));
  write('.a.swp', 'x');
  renameSync(write('a~', '1'), join(folder, 'a'));
  await told.watcher.check();
  expect(told.changes).toEqual([]);
  await told.watcher.check(true);
  expect(told.changes).toEqual(['1']);
});

test('a change between the first reading and the start is seen', async () => {
  const path = write('a', '1');
  const seen = await readFiles([path]);
  write('a', '2');
  const changes: string[] = [];
  using watcher = new FileWatcher(seen, {
    changed: (contents) => changes.push(contents.map(textOf).join()),
    failed: () => {},
    broke: () => {},
  });
  await watcher.start();
  expect(changes).toEqual(['2']);
});

/** Has the slow poll of later watchers never come: without its event a change stays unseen. */
function withoutPolls(): void {
  const { setTimeout } = globalThis;
  const onlyShort = (callback: () => void, ms: number) => setTimeout(callback, ms === 10_000 ? 2 ** 31 - 1 : ms);
  vi.stubGlobal('setTimeout', vi.fn(onlyShort));
  onTestFinished(() => {
    expect(globalThis.setTimeout).toHaveBeenCalledWith(expect.any(Function), 10_000);
    vi.unstubAllGlobals();
  });
}

test('a swap of a ConfigMap is seen by its event, three times in a row, in each of two folders', async () => {
  withoutPolls();
  const [one, two] = [new ConfigMapVolume(join(folder, 'one')), new ConfigMapVolume(join(folder, 'two'))];
  one.swap({ 'a.yaml': '0' });
  two.swap({ 'b.yaml': '0' });
  using told = await Told.of(one.path('a.yaml'), two.path('b.yaml'));
  for (const round of ['1', '2', '3']) {
    one.swap({ 'a.yaml': round });
    expect(await told.next()).toBe(`${round}|${Number(round) - 1}`);
    two.swap({ 'b.yaml': round });
    expect(await told.next()).toBe(`${round}|${round}`);
  }
});

test('who is told and fails hears of the next change all the same', async () => {
  const path = write('a', '1');
  const told: unknown[] = [];
  using watcher = new FileWatcher(await readFiles([path]), {
    changed: (contents) => {
      const text = contents.map(textOf).join();
      told.push(text);
      if (text === '2') throw new Error('a mistake');
    },
    failed: () => {},
    broke: (error) => told.push(error),
  });
  write('a', '2');
  await watcher.check();
  write('a', '3');
  await watcher.check();
  expect(told).toEqual(['2', new Error('a mistake'), '3']);
});

test('a file that goes is told of, and so is its return', async () => {
  const path = write('a', '1');
  using told = await Told.of(path);
  rmSync(path);
  expect(await told.next()).toBe('ENOENT');
  write('a', '1');
  expect(await told.next()).toBe('1');
});

test('a folder that is replaced, or goes and comes again, is watched on', async () => {
  const inner = join(folder, 'inner');
  mkdirSync(inner);
  using told = await Told.of(write('inner/a', '1'));
  renameSync(inner, join(folder, 'old'));
  mkdirSync(inner);
  write('inner/a', '2');
  // The folder that was watched tells of its own renaming or not; the next look finds the new one.
  await told.watcher.check();
  expect(told.changes.at(-1)).toBe('2');
  rmSync(inner, { recursive: true });
  expect(await told.failure()).toBe(`${inner}: ENOENT`);
  mkdirSync(inner);
  write('inner/a', '3');
  for (let text = ''; text !== '3'; ) text = await told.next();
  write('inner/a', '4');
  expect(await told.next()).toBe('4');
});

test('a file behind a link into another folder is found by a look', async () => {
  mkdirSync(join(folder, 'far'));
  write('far/a', '1');
  symlinkSync(join(folder, 'far/a'), join(folder, 'a'));
  using told = await Told.of(join(folder, 'a'));
  write('far/a', '2');
  await told.watcher.check();
  expect(told.changes).toEqual(['2']);
});

test('a closed watcher tells nothing more', async () => {
  const told = await Told.of(write('a', '1'));
  told.watcher.close();
  write('a', '2');
  await told.watcher.check(true);
  expect(told.changes).toEqual([]);
});

test('whoever asks for a look a hundred times while one is under way gets one more', async () => {
  const path = write('config.yaml', 'a');
  const [first, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let looks = 0;
  using watcher = new FileWatcher(await readFiles([path]), {
    changed: () => {
      looks++;
      first.resolve();
      return rest.promise;
    },
    failed: () => {},
    broke: () => {},
  });
  const begun = watcher.check(true);
  await first.promise;
  const asked = Array.from({ length: 100 }, () => watcher.check(true));
  rest.resolve();
  await Promise.all([begun, ...asked]);
  expect(looks).toBe(2);
});
