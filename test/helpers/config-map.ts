/** A folder that changes as a mounted ConfigMap or Secret does. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * The kubelet writes all files into a new folder beside the old one, and renames a link `..data` to it over the one
 * before; the files' own names are links through `..data` that never change.
 */
export class ConfigMapVolume {
  readonly #folder: string;
  #current: string | null = null;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** The path of a file as a container names it. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Gives all files new contents at once. */
  swap(files: Readonly<Record<string, string>>): void {
    const before = this.#current;
    const next = mkdtempSync(join(this.#folder, '..2026_'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(next, name), text);
    symlinkSync(basename(next), join(this.#folder, '..data_tmp'));
    renameSync(join(this.#folder, '..data_tmp'), join(this.#folder, '..data'));
    this.#current = next;
    if (before !== null) {
      rmSync(before, { recursive: true });
      return;
    }
    for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(this.#folder, name));
  }
}
