/** Reading a configuration file from disk. */
import { readFile } from 'node:fs/promises';
import { type Loaded, loadConfig } from './load.ts';

/** No configuration is longer; a wrong path to a data file shall not fill the memory. */
const longestFile = 1024 * 1024;

const words: Partial<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a directory',
};

/** Reads and loads a file. A file that cannot be read is an error like any other. */
export async function readConfig(path: string): Promise<Loaded> {
  const failed = (message: string): Loaded => ({ errors: [{ file: path, line: 0, column: 0, path: '', message }] });
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return failed(`${words[code] ?? `cannot be read: ${message}`}; give the path of a configuration file`);
  }
  if (bytes.length > longestFile)
    return failed(`is longer than ${longestFile} bytes; give the path of a configuration file`);
  try {
    return loadConfig(path, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    return failed('is not UTF-8 text; save it as UTF-8');
  }
}
