/** Whether the files of the ports for operators and for programs that set routes can be used, for `sluice check`. */
import { apiTlsPaths, judgeApiTls } from '../admin/routes-api/tls.ts';
import { judgeToken } from '../admin/token.ts';
import { readFiles } from '../config/live/read.ts';
import type { Resolved } from '../config/model/resolved.ts';
import { checkMountedFiles, type FilesChecked, type MountedFile } from './check-mounted-files.ts';

/** Reads the tokens of both ports, and what the routes API speaks TLS with. */
export async function checkPortFiles({
  admin,
  routesApi,
}: Pick<Resolved, 'admin' | 'routesApi'>): Promise<FilesChecked> {
  const tokens = await checkMountedFiles([
    ...tokenFile('admin.token_file', admin.tokenFile),
    ...tokenFile('routes_api.token_file', routesApi?.tokenFile ?? null),
  ]);
  const tls = await checkApiTls(routesApi);
  return { errors: [...tokens.errors, ...tls.errors], warnings: [...tokens.warnings, ...tls.warnings] };
}

function tokenFile(name: string, path: string | null): MountedFile[] {
  return path === null ? [] : [{ name, path, parse: judgeToken }];
}

async function checkApiTls(api: Resolved['routesApi']): Promise<FilesChecked> {
  const tls = api?.tls ?? null;
  if (tls === null) return { errors: [], warnings: [] };
  const contents = await readFiles(apiTlsPaths(tls));
  const judged = judgeApiTls(contents);
  if (!('problem' in judged)) return { errors: [], warnings: [] };
  const isAbsent = contents.some((content) => 'error' in content && content.error.code === 'ENOENT');
  if (!isAbsent) return { errors: [judged.problem], warnings: [] };
  const message = `${judged.problem} here; without it Sluice does not start.`;
  return { errors: [], warnings: [{ subject: 'routes_api.tls', message, settings: [] }] };
}
