/** Reading configuration files from disk. */
import { createHash } from 'node:crypto';
import { readOnce, readSmallFile } from '../../files.ts';
import { type ConfigText, type Loaded, loadConfigs } from '../model/load.ts';
import type { Beside } from '../model/overlay.ts';

/** No file that a configuration needs is longer; a wrong path to a data file shall not fill the memory. */
const longestFile = 1024 * 1024;
/** A file that is longer was not read to its end, and what stands there may be what matters. */
const tooLong = 'EFBIG';

const words: Partial<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user; let the user that runs Sluice read it, and look into its folders',
  EISDIR: 'is a directory',
  ENOTFILE: 'is a pipe, a socket or a device, which cannot be read again',
  [tooLong]: `is longer than ${longestFile} bytes`,
};

/** What a path held when it was read. */
export type FileContent =
  | { readonly file: string; readonly bytes: Buffer }
  | { readonly file: string; readonly error: Unreadable };

/**
 * Why a path could not be read: the system's code and words. Plain data, because an error loses its code on its way to
 * a thread.
 */
export interface Unreadable {
  readonly code: string;
  readonly message: string;
}

/** Reads ordinary files, which may change; one that cannot be read says why. */
export function readFiles(paths: readonly string[]): Promise<readonly FileContent[]> {
  return readAll(paths, (path) => readSmallFile(path, longestFile));
}

/** Reads files once, and may wait for them: they may be pipes too. */
export function readFilesOnce(paths: readonly string[]): Promise<readonly FileContent[]> {
  return readAll(paths, (path) => readOnce(path, longestFile));
}

function readAll(paths: readonly string[], read: (path: string) => Promise<Buffer>): Promise<readonly FileContent[]> {
  return Promise.all(
    paths.map((file) =>
      read(file).then(
        (bytes) => (bytes.length > longestFile ? { file, error: { code: tooLong, message: '' } } : { file, bytes }),
        ({ code = '', message }: NodeJS.ErrnoException) => ({ file, error: { code, message } }),
      ),
    ),
  );
}

/** Why a file could not be read, in words that follow its name. */
export function whyUnreadable({ code = '', message }: { readonly code?: string; readonly message: string }): string {
  return words[code] ?? `cannot be read: ${message}`;
}

/** A hash of what the files held: equal hashes, equal contents, or equal reasons why there are none. */
export function contentDigest(contents: readonly FileContent[]): string {
  const hash = createHash('sha256');
  for (const content of contents) {
    if ('bytes' in content) hash.update(`${content.bytes.length}\n`).update(content.bytes);
    else hash.update(`${content.error.code}\n`);
  }
  return hash.digest('hex');
}

/** Loads a configuration from its files' contents. A file that cannot be read is an error like any other. */
export function loadFiles(contents: readonly FileContent[], beside: Beside | null = null): Loaded {
  const texts = contents.map(textOf);
  const unreadable = texts.flatMap((text) => ('message' in text ? text : []));
  if (unreadable.length > 0) {
    return { errors: unreadable.map(({ file, message }) => ({ file, line: 0, column: 0, path: '', message })) };
  }
  return loadConfigs(
    texts.flatMap((text) => ('text' in text ? text : [])),
    beside,
  );
}

/** What to do that is not said already. */
function remedyOf(code: string): string {
  if (code === 'EACCES') return '';
  return `; give the path of a configuration file${code === tooLong ? ', or write less' : ''}`;
}

/** Reads and loads files. */
export async function readConfig(paths: readonly string[]): Promise<Loaded> {
  return loadFiles(await readFilesOnce(paths));
}

function textOf(content: FileContent): ConfigText | { readonly file: string; readonly message: string } {
  const { file } = content;
  if ('error' in content) {
    return { file, message: `${whyUnreadable(content.error)}${remedyOf(content.error.code)}` };
  }
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content.bytes) };
  } catch {
    return { file, message: 'is not UTF-8 text; save it as UTF-8' };
  }
}
