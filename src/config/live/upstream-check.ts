/**
 * Whether the files by which upstreams, and the services that know users, are verified can be used: for `sluice check`.
 */

import type { Resolved } from '../model/resolved.ts';
import type { Warning } from '../model/warnings.ts';
import { readFiles } from './read.ts';
import { judgeUpstreamFiles, pathsOf, securedTargets } from './upstream-files.ts';

/**
 * Reads them. One that does not exist is a warning: a configuration may be checked where its Secrets are not mounted.
 */
export async function checkUpstreamFiles({ routes, templates }: Pick<Resolved, 'routes' | 'templates'>): Promise<{
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}> {
  const errors: string[] = [];
  const warnings: Warning[] = [];
  const judgedAlready = new Set<string>();
  const targets = [...routes, ...templates].flatMap(({ route }) =>
    securedTargets(route).map((target) => ({ ...target, name: route.name })),
  );
  for (const { name, section, upstreamTls } of targets) {
    const paths = pathsOf(upstreamTls);
    // Of many routes with the same files the first is named.
    const key = JSON.stringify([section, ...paths]);
    if (judgedAlready.has(key)) continue;
    judgedAlready.add(key);
    const contents = await readFiles(paths);
    const judged = judgeUpstreamFiles(upstreamTls, contents, section);
    if (!('problem' in judged)) continue;
    const isAbsent = contents.some((content) => 'error' in content && content.error.code === 'ENOENT');
    if (!isAbsent) errors.push(`${judged.problem} (route ${name})`);
    else
      warnings.push({
        subject: name,
        message: `${judged.problem} here; without it Sluice does not start.`,
        settings: [],
      });
  }
  return { errors, warnings };
}
