/** The file of `quotas.password_file`. */
import type { QuotaStoreConfig } from '../config/types.ts';

/** A file that is read, and read again when it changes. */
export interface QuotaFile {
  /** The key of the configuration that names it. */
  readonly name: string;
  readonly path: string;
  readonly parse: (text: string) => { readonly value: string } | { readonly problem: string };
  readonly changed: () => void;
}

/** What has been read. */
interface ReadFiles {
  valueOf(name: string, path: string): unknown;
}

const name = 'quotas.password_file';
/** No server has a longer one, and the whole of it goes out with each connection. */
const longest = 4096;

/** The files that a store needs; `changed` is called when something else is in use. */
export function quotaFilesOf(config: QuotaStoreConfig | null, changed: () => void = () => {}): QuotaFile[] {
  const path = config?.passwordFile ?? null;
  return path === null ? [] : [{ name, path, parse: parsePassword, changed }];
}

/** The password of a store; `null` where it has none. */
export function passwordOf({ passwordFile }: QuotaStoreConfig, files: ReadFiles): string | null {
  return passwordFile === null ? null : (files.valueOf(name, passwordFile) as string | null);
}

function parsePassword(text: string): ReturnType<QuotaFile['parse']> {
  const password = text.replace(/\r?\n$/, '');
  if (password === '') return { problem: 'is empty; write the password into it' };
  if (password.includes('\n')) return { problem: 'has more than one line; write the password alone' };
  return password.length > longest
    ? { problem: `is longer than ${longest}; write the password alone` }
    : { value: password };
}
