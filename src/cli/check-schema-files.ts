/** Whether the JSON Schemas of `validate` can be used, for `sluice check`. */
import type { Resolved } from '../config/model/resolved.ts';
import { SchemaThread } from '../gateway/compile-aside.ts';
import { schemaKey, schemaPathsOf } from '../validation/schemas.ts';
import { checkMountedFiles } from './check-mounted-files.ts';
import type { FileFinding } from './file-findings.ts';

export async function checkSchemaFiles({ routes, templates }: Resolved): Promise<FileFinding[]> {
  const paths = schemaPathsOf([...routes, ...templates].map(({ route }) => route));
  const { compile: parse } = new SchemaThread();
  return checkMountedFiles(paths.map((path) => ({ name: schemaKey, path, parse })));
}
