/** Reading configuration files from disk. */
import { readFile } from 'node:fs/promises';
import { type ConfigText, type Loaded, loadConfigs } from './load.ts';

/** No configuration is longer; a wrong path to a data file shall not fill the memory. */
const longestFile = 1024 * 1024;

const words: Partial<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
};

/** Reads and loads files. A file that cannot be read is an error like any other. */
export async function readConfig(paths: readonly string[]): Promise<Loaded> {
  const files = await Promise.all(paths.map(readText));
  const unreadable = files.flatMap((file) => ('message' in file ? file : []));
  if (unreadable.length > 0) {
    return { errors: unreadable.map(({ file, message }) => ({ file, line: 0, column: 0, path: '', message })) };
  }
  return loadConfigs(files.flatMap((file) => ('text' in file ? file : [])));
}

async function readText(file: string): Promise<ConfigText | { readonly file: string; readonly message: string }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { file, message: `${words[code] ?? `cannot be read: ${message}`}; give the path of a configuration file` };
  }
  if (bytes.length > longestFile) {
    return { file, message: `is longer than ${longestFile} bytes; give the path of a configuration file` };
  }
  try {
    return { file, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { file, message: 'is not UTF-8 text; save it as UTF-8' };
  }
}
