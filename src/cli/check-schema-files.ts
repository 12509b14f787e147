/** Whether the JSON Schemas of `validate` can be used, for `sluice check`. */
import type { Resolved } from '../config/model/resolved.ts';
import { loadCompiler } from '../validation/schema.ts';
import { schemaKey, schemaPathsOf } from '../validation/schemas.ts';
import { checkMountedFiles, type FilesChecked } from './check-mounted-files.ts';

export async function checkSchemaFiles({ routes, templates }: Resolved): Promise<FilesChecked> {
  const paths = schemaPathsOf([...routes, ...templates].map(({ route }) => route));
  // The compiler is large, and few configurations need it.
  if (paths.length === 0) return { errors: [], warnings: [] };
  const parse = await loadCompiler();
  return checkMountedFiles(paths.map((path) => ({ name: schemaKey, path, parse })));
}
