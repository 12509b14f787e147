/** Whether the files of `quotas` can be used, for `sluice check`. */
import { readFiles } from '../config/live/read.ts';
import { judgeUpstreamFiles, pathsOf } from '../config/live/upstream-files.ts';
import { textOf } from '../config/live/watched-files.ts';
import type { Resolved } from '../config/model/resolved.ts';
import type { Warning } from '../config/model/warnings.ts';
import type { QuotaStoreConfig } from '../config/types.ts';
import { quotaFilesOf } from '../quotas/password.ts';

/** What is wrong with some files, and whether that is for want of one. */
interface Found {
  readonly problem: string;
  readonly isAbsent: boolean;
}

/**
 * Reads them. One that does not exist is a warning: a configuration may be checked where its Secrets are not mounted.
 */
export async function checkQuotaFiles({ quotas }: Pick<Resolved, 'quotas'>): Promise<{
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}> {
  if (quotas === null) return { errors: [], warnings: [] };
  const found = [...(await checkPassword(quotas)), ...(await checkTls(quotas))];
  return {
    errors: found.filter(({ isAbsent }) => !isAbsent).map(({ problem }) => problem),
    warnings: found
      .filter(({ isAbsent }) => isAbsent)
      .map(({ problem }) => ({
        subject: 'quotas',
        message: `${problem} here; without it Sluice does not start.`,
        settings: [],
      })),
  };
}

async function checkPassword(quotas: QuotaStoreConfig): Promise<Found[]> {
  const [file] = quotaFilesOf(quotas);
  if (file === undefined) return [];
  const [content] = await readFiles([file.path]);
  const text = textOf(content!);
  const parsed = 'problem' in text ? text : file.parse(text.value);
  if (!('problem' in parsed)) return [];
  return [{ problem: `${file.name}: ${file.path} ${parsed.problem}`, isAbsent: isAbsent([content!]) }];
}

async function checkTls({ target, tls }: QuotaStoreConfig): Promise<Found[]> {
  if (target.protocol === 'http:') return [];
  const contents = await readFiles(pathsOf(tls));
  const judged = judgeUpstreamFiles(tls, contents, 'quotas.tls');
  return 'problem' in judged ? [{ problem: judged.problem, isAbsent: isAbsent(contents) }] : [];
}

function isAbsent(contents: Awaited<ReturnType<typeof readFiles>>): boolean {
  return contents.some((content) => 'error' in content && content.error.code === 'ENOENT');
}
