/** The example chart, with this chart as its dependency. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../real/harness/paths.ts';
import { chart, tool } from './helm.ts';

/** A copy of examples/panel-sidecar whose dependency Helm has fetched; the checkout stays as it is. */
export async function panelSidecar(): Promise<string> {
  const copy = scratchDirectory('chart');
  cpSync(chart, copy, { recursive: true });
  const example = join(copy, 'examples/panel-sidecar');
  const { code, output } = await tool('helm', ['dependency', 'update', example]);
  if (code !== 0) throw new Error(output);
  return example;
}
