/** Checks of schemas, made in place. */
import { startProgram } from '../../src/validation/program.ts';
import { loadCompiler } from '../../src/validation/schema.ts';
import type { Parsed, SchemaCheck } from '../../src/validation/types.ts';

const compileText = await loadCompiler();

/** What a schema's text means, or what is wrong with it. */
export function compile(text: string): Parsed<SchemaCheck> {
  const compiled = compileText(text);
  return 'problem' in compiled ? compiled : { value: startProgram(compiled.value).check };
}
