/** Whether the JSON Schemas of `validate` can be used, for `sluice check`. */
import { readFiles } from '../config/live/read.ts';
import { textOf } from '../config/live/watched-files.ts';
import type { Resolved } from '../config/model/resolve.ts';
import type { Warning } from '../config/model/warnings.ts';
import { loadCompiler } from '../validation/schema.ts';
import { schemaKey, schemaPathsOf } from '../validation/schemas.ts';

/**
 * Reads them. One that does not exist is a warning: a configuration may be checked where its ConfigMaps are not
 * mounted.
 */
export async function checkSchemaFiles({ routes, templates }: Resolved): Promise<{
  readonly errors: readonly string[];
  readonly warnings: readonly Warning[];
}> {
  const paths = schemaPathsOf([...routes, ...templates].map(({ route }) => route));
  if (paths.length === 0) return { errors: [], warnings: [] };
  const compile = await loadCompiler();
  const errors: string[] = [];
  const warnings: Warning[] = [];
  for (const path of paths) {
    const [content] = await readFiles([path]);
    const text = textOf(content!);
    const parsed = 'problem' in text ? text : compile(text.value);
    if (!('problem' in parsed)) continue;
    const isAbsent = 'error' in content! && content.error.code === 'ENOENT';
    if (!isAbsent) errors.push(`${schemaKey}: ${path} ${parsed.problem}`);
    else
      warnings.push({
        subject: schemaKey,
        message: `${path} ${parsed.problem} here; without it Sluice does not start.`,
        settings: [],
      });
  }
  return { errors, warnings };
}
