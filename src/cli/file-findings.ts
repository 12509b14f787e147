/** What is wrong with files that others put there, for `sluice check`. */
import type { ConfigDocument } from '../config/language/document.ts';
import type { FileContent } from '../config/live/read.ts';
import type { Warning } from '../config/model/warnings.ts';

/** What `sluice check` says of files. */
export interface FilesChecked {
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Something that is wrong: `KEY: FILE` and words, and whether that is for want of a file. */
export interface FileFinding {
  readonly problem: string;
  readonly isAbsent: boolean;
}

/**
 * Errors and warnings, each with the place of the configuration that names the file. A file that does not exist is a
 * warning: a configuration may be checked where its Secrets and ConfigMaps are not mounted.
 */
export function judgeFindings(findings: readonly FileFinding[], places: ConfigDocument['places']): FilesChecked {
  const placed = findings.map((finding) => ({ ...finding, ...placedIn(places, finding) }));
  return {
    errors: placed.filter(({ isAbsent }) => !isAbsent).map(({ subject, rest, where }) => `${subject}: ${rest}${where}`),
    warnings: placed
      .filter(({ isAbsent }) => isAbsent)
      .map(({ subject, rest, where }) => {
        return { subject, message: `${rest} here; without it Sluice does not start${where}.`, settings: [] };
      }),
  };
}

interface Placed {
  /** The key, with the route where it stands in one. */
  readonly subject: string;
  readonly rest: string;
  readonly where: string;
}

/**
 * A finding knows the key within its section, and the file, or those below the key; of several routes with the same
 * file the first is named.
 */
function placedIn(places: ConfigDocument['places'], { problem }: FileFinding): Placed {
  const [, key = '', rest = problem] = /^(\S+): (.*)$/s.exec(problem) ?? [];
  const speaksOf = (path: string, source: string) =>
    source !== ''
      ? rest.startsWith(`${source} `)
      : [...places].some(
          ([below, { source: file }]) => below.startsWith(`${path}.`) && file !== '' && rest.includes(file),
        );
  const [first, ...more] = [...places].filter(([path, { source }]) => endsWithKey(path, key) && speaksOf(path, source));
  if (first === undefined) return { subject: key, rest, where: '' };
  const [path, { file, line, column }] = first;
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  return { subject: path, rest, where: ` (${file}:${line}:${column}${others})` };
}

/** Whether a path ends with a key, whatever the numbers, and the side of the messages, of what it stands in. */
function endsWithKey(path: string, key: string): boolean {
  return `.${path.replaceAll(/\[\d+\]|\.(?:client|upstream)(?=\.text\.)/g, '')}`.endsWith(`.${key}`);
}

/** Whether one of the files does not exist. */
export function isOneAbsent(contents: readonly FileContent[]): boolean {
  return contents.some((content) => 'error' in content && content.error.code === 'ENOENT');
}
