/** Whether the files of users, tokens and keys can be used, for `sluice check`. */
import { authFilesOf } from '../admission/auth/files.ts';
import { readFiles } from '../config/live/read.ts';
import { textOf } from '../config/live/watched-files.ts';
import type { Resolved } from '../config/model/resolve.ts';
import type { Warning } from '../config/model/warnings.ts';

/**
 * Reads them. One that does not exist is a warning: a configuration may be checked where its Secrets are not mounted.
 */
export async function checkAuthFiles({ routes, templates, revokedUsers }: Resolved): Promise<{
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}> {
  const all = [...routes, ...templates].map(({ route }) => route);
  const files = authFilesOf({ routes: all, routesApi: null, revokedUsers });
  const unique = new Map(files.map((file) => [JSON.stringify([file.name, file.path]), file]));
  const errors: string[] = [];
  const warnings: Warning[] = [];
  for (const { name, path, parse } of unique.values()) {
    const [content] = await readFiles([path]);
    const judged = textOf(content!);
    const parsed = 'problem' in judged ? judged : parse(judged.value);
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
