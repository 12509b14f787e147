/** Whether the files by which upstreams and services that know users are verified can be used, for `sluice check`. */
import { readFiles } from '../config/live/read.ts';
import { judgeUpstreamFiles, pathsOf, securedTargets } from '../config/live/upstream-files.ts';
import type { Resolved } from '../config/model/resolved.ts';
import { type FileFinding, isOneAbsent } from './file-findings.ts';

/** Reads the files of every `upstream_tls`. */
export async function checkUpstreamFiles({
  routes,
  templates,
}: Pick<Resolved, 'routes' | 'templates'>): Promise<FileFinding[]> {
  const findings: FileFinding[] = [];
  const judgedAlready = new Set<string>();
  const targets = [...routes, ...templates].flatMap(({ route }) => securedTargets(route));
  for (const { section, upstreamTls } of targets) {
    const paths = pathsOf(upstreamTls);
    // Of many routes with the same files the first is named.
    const key = JSON.stringify([section, ...paths]);
    if (judgedAlready.has(key)) continue;
    judgedAlready.add(key);
    const contents = await readFiles(paths);
    const judged = judgeUpstreamFiles(upstreamTls, contents, section);
    if (!('problem' in judged)) continue;
    findings.push({ problem: judged.problem, isAbsent: isOneAbsent(contents) });
  }
  return findings;
}
