/** Whether the files of every route's `upstream_tls` can be used, for `sluice check`. */

import type { Resolved } from '../model/resolved.ts';
import type { Warning } from '../model/warnings.ts';
import { readFiles } from './read.ts';
import { judgeUpstreamFiles, pathsOf } from './upstream-files.ts';

/**
 * Reads them. One that does not exist is a warning: a configuration may be checked where its Secrets are not mounted.
 */
export async function checkUpstreamFiles({ routes }: Resolved): Promise<{
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}> {
  const errors: string[] = [];
  const warnings: Warning[] = [];
  for (const { route } of routes) {
    if (route.upstream.protocol === 'http:') continue;
    const contents = await readFiles(pathsOf(route.upstreamTls));
    const judged = judgeUpstreamFiles(route.upstreamTls, contents);
    if (!('problem' in judged)) continue;
    const isAbsent = contents.some((content) => 'error' in content && content.error.code === 'ENOENT');
    if (!isAbsent) errors.push(`${judged.problem} (route ${route.name})`);
    else
      warnings.push({
        subject: route.name,
        message: `${judged.problem} here; without it Sluice does not start.`,
        settings: [],
      });
  }
  return { errors, warnings };
}
