/** Helm, and what it renders. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { root } from '../real/harness/paths.ts';

const run = promisify(execFile);

/** The chart. */
export const chart: string = join(root, 'helm/sluice');
/** The sets of values that the chart is checked with. */
export const valueFiles: readonly string[] = readdirSync(join(chart, 'ci')).map((name) => join(chart, 'ci', name));

/** A Kubernetes object, as far as the tests read it. */
// biome-ignore lint/suspicious/noExplicitAny: manifests have no common shape beyond these fields.
export type Manifest = { apiVersion: string; kind: string; metadata: any; spec?: any; data?: any };

/** What a program of .cache/chart/bin wrote and how it ended; nothing is thrown. */
export async function tool(
  name: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number; output: string }> {
  const pending = run(join(root, '.cache/chart/bin', name), args, { maxBuffer: 64 * 1024 * 1024 });
  pending.child.stdin!.end(input);
  try {
    const { stdout, stderr } = await pending;
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { code, output: `${stdout}${stderr}` };
  }
}

/** What to render: files and values, the later ones first in force. */
export interface Rendering {
  readonly files?: readonly string[];
  readonly values?: object;
  readonly of?: string;
  readonly release?: string;
  /** As `helm upgrade` renders. */
  readonly upgrade?: true;
}

/** The rendered manifests; throws with Helm's words where it refuses. */
export async function render(rendering: Rendering = {}): Promise<Manifest[]> {
  const { code, output } = await template(rendering);
  if (code !== 0) throw new Error(output);
  return manifests(output);
}

/** Helm's refusal of values that it must not take. */
export async function refusal(values: object, how: Omit<Rendering, 'values'> = {}): Promise<string> {
  const { code, output } = await template({ values, ...how });
  if (code === 0) throw new Error(`helm takes ${JSON.stringify(values)}`);
  return output;
}

/** The documents of a text. */
export function manifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The one manifest of a kind and, where there are several, of a name's ending. */
export function find(all: readonly Manifest[], kind: string, ending = ''): Manifest {
  const found = all.filter((manifest) => manifest.kind === kind && manifest.metadata.name.endsWith(ending));
  if (found.length !== 1) throw new Error(`${found.length} manifests are a ${kind} named …${ending}`);
  return found[0]!;
}

function template({ files = [], values = {}, of = chart, release = 'rel', upgrade }: Rendering) {
  const args = ['template', release, of, '--namespace', 'apps'];
  if (upgrade) args.push('--is-upgrade');
  for (const file of files) args.push('--values', file);
  return tool('helm', [...args, '--values', '-'], stringify(values));
}
