/** Whether the files of users, tokens and keys can be used, for `sluice check`. */
import { authFilesOf } from '../admission/auth/files.ts';
import type { Resolved } from '../config/model/resolved.ts';
import { checkMountedFiles } from './check-mounted-files.ts';
import type { FileFinding } from './file-findings.ts';

export async function checkAuthFiles({ routes, templates, revokedUsers }: Resolved): Promise<FileFinding[]> {
  const all = [...routes, ...templates].map(({ route }) => route);
  const files = authFilesOf({ routes: all, routesApi: null, revokedUsers });
  const each = new Map(files.map((file) => [JSON.stringify([file.name, file.path]), file]));
  return checkMountedFiles(each.values());
}
