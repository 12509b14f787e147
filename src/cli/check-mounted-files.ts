/** Whether files that others put there can be used, for `sluice check`. */
import { readFiles } from '../config/live/read.ts';
import { textOf } from '../config/live/watched-files.ts';
import type { Warning } from '../config/model/warnings.ts';

/** A file that the configuration names; `name` says by which key, and `parse` what is wrong with its text. */
export interface MountedFile {
  readonly name: string;
  readonly path: string;
  parse(text: string): object;
}

/** What `sluice check` says of files. */
export interface FilesChecked {
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}

/**
 * Reads them. One that does not exist is a warning: a configuration may be checked where its Secrets and ConfigMaps are
 * not mounted.
 */
export async function checkMountedFiles(files: Iterable<MountedFile>): Promise<FilesChecked> {
  const errors: string[] = [];
  const warnings: Warning[] = [];
  for (const { name, path, parse } of files) {
    const [content] = await readFiles([path]);
    const text = textOf(content!);
    const parsed = 'problem' in text ? text : parse(text.value);
    if (!('problem' in parsed)) continue;
    const isAbsent = 'error' in content! && content.error.code === 'ENOENT';
    if (!isAbsent) errors.push(`${name}: ${path} ${parsed.problem}`);
    else
      warnings.push({
        subject: name,
        message: `${path} ${parsed.problem} here; without it Sluice does not start.`,
        settings: [],
      });
  }
  return { errors, warnings };
}
