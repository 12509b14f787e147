/** What is wrong with files that others put there, for `sluice check`. */
import type { FileContent } from '../config/live/read.ts';
import type { Warning } from '../config/model/warnings.ts';

/** What `sluice check` says of files. */
export interface FilesChecked {
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}

/** Something that is wrong, in words, and whether that is for want of a file. */
export interface FileFinding {
  /** The route, or the key of the configuration. */
  readonly subject: string;
  readonly problem: string;
  readonly isAbsent: boolean;
}

/**
 * Errors and warnings. A file that does not exist is a warning: a configuration may be checked where its Secrets and
 * ConfigMaps are not mounted.
 */
export function judgeFindings(findings: readonly FileFinding[]): FilesChecked {
  const absent = findings.filter(({ isAbsent }) => isAbsent);
  return {
    errors: findings.filter(({ isAbsent }) => !isAbsent).map(({ problem }) => problem),
    warnings: absent.map((finding) => {
      const { subject, problem } = nearest(finding);
      return { subject, message: `${problem} here; without it Sluice does not start.`, settings: [] };
    }),
  };
}

/** A problem may begin with a key below that of its subject: then that one is the subject, and is told once. */
function nearest({ subject, problem }: FileFinding): Pick<FileFinding, 'subject' | 'problem'> {
  const [, key, rest] = /^(\S+): (.*)$/s.exec(problem) ?? [];
  return key?.startsWith(subject) ? { subject: key, problem: rest! } : { subject, problem };
}

/** Whether one of the files does not exist. */
export function isOneAbsent(contents: readonly FileContent[]): boolean {
  return contents.some((content) => 'error' in content && content.error.code === 'ENOENT');
}
