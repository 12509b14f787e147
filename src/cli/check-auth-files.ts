/** Whether the files of users, tokens and keys can be used, for `sluice check`. */
import { authFilesOf } from '../admission/auth/files.ts';
import type { Resolved } from '../config/model/resolved.ts';
import { checkMountedFiles, type FilesChecked } from './check-mounted-files.ts';

export function checkAuthFiles({ routes, templates, revokedUsers }: Resolved): Promise<FilesChecked> {
  const all = [...routes, ...templates].map(({ route }) => route);
  const files = authFilesOf({ routes: all, routesApi: null, revokedUsers });
  return checkMountedFiles(new Map(files.map((file) => [JSON.stringify([file.name, file.path]), file])).values());
}
