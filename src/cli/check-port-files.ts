/** Whether the files of the admin port and of the routes API can be used, for `sluice check`. */
import { apiTlsPaths, judgeApiTls } from '../admin/routes-api/tls.ts';
import { judgeToken } from '../admin/token.ts';
import { readFiles } from '../config/live/read.ts';
import type { Resolved } from '../config/model/resolved.ts';
import { checkMountedFiles, type MountedFile } from './check-mounted-files.ts';
import { type FileFinding, isOneAbsent } from './file-findings.ts';

/** Reads the tokens of both ports, and what the routes API speaks TLS with. */
export async function checkPortFiles({
  admin,
  routesApi,
}: Pick<Resolved, 'admin' | 'routesApi'>): Promise<FileFinding[]> {
  const tokens = [
    ...tokenFile('admin.token_file', admin.tokenFile),
    ...tokenFile('routes_api.token_file', routesApi?.tokenFile ?? null),
  ];
  return [...(await checkMountedFiles(tokens)), ...(await checkApiTls(routesApi))];
}

function tokenFile(name: string, path: string | null): MountedFile[] {
  return path === null ? [] : [{ name, path, parse: judgeToken }];
}

async function checkApiTls(api: Resolved['routesApi']): Promise<FileFinding[]> {
  const tls = api?.tls ?? null;
  if (tls === null) return [];
  const contents = await readFiles(apiTlsPaths(tls));
  const judged = judgeApiTls(contents);
  if (!('problem' in judged)) return [];
  return [{ problem: judged.problem, isAbsent: isOneAbsent(contents) }];
}
