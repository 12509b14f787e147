/** Whether text files that others put there can be used, for `sluice check`. */
import { readFiles } from '../config/live/read.ts';
import { textOf } from '../config/live/watched-files.ts';
import { type FileFinding, isOneAbsent } from './file-findings.ts';

/** A file that the configuration names; `name` says by which key, and `parse` what is wrong with its text. */
export interface MountedFile {
  readonly name: string;
  readonly path: string;
  parse(text: string): object | Promise<object>;
}

/** Reads them, and says what is wrong. */
export async function checkMountedFiles(files: Iterable<MountedFile>): Promise<FileFinding[]> {
  const found: FileFinding[] = [];
  for (const { name, path, parse } of files) {
    const contents = await readFiles([path]);
    const text = textOf(contents[0]!);
    const parsed = 'problem' in text ? text : await parse(text.value);
    if (!('problem' in parsed)) continue;
    found.push({ problem: `${name}: ${path} ${parsed.problem}`, isAbsent: isOneAbsent(contents) });
  }
  return found;
}
