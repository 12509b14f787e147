/** Whether the files of `quotas` can be used, for `sluice check`. */
import { readFiles } from '../config/live/read.ts';
import { judgeUpstreamFiles, pathsOf } from '../config/live/upstream-files.ts';
import type { Resolved } from '../config/model/resolved.ts';
import type { QuotaStoreConfig } from '../config/types.ts';
import { quotaFilesOf } from '../quotas/password.ts';
import { checkMountedFiles } from './check-mounted-files.ts';
import { type FileFinding, isOneAbsent } from './file-findings.ts';

/** Reads the password of the store, and what TLS with it is made sure of by. */
export async function checkQuotaFiles({ quotas }: Pick<Resolved, 'quotas'>): Promise<FileFinding[]> {
  if (quotas === null) return [];
  return [...(await checkMountedFiles(quotaFilesOf(quotas))), ...(await checkTls(quotas))];
}

async function checkTls({ target, tls }: QuotaStoreConfig): Promise<FileFinding[]> {
  if (target.protocol === 'http:') return [];
  const contents = await readFiles(pathsOf(tls));
  const judged = judgeUpstreamFiles(tls, contents, 'quotas.tls');
  return 'problem' in judged ? [{ problem: judged.problem, isAbsent: isOneAbsent(contents) }] : [];
}
