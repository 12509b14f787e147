/** The chart's manifests as text, made without asking a server. */
import { run, succeed } from './kubectl.ts';
import { parseManifests } from './manifests.ts';
import { chart, helmProgram, valuesFiles } from './paths.ts';

/** The manifests of the chart as this values file makes them, for a namespace. */
export async function render(values: string, namespace: string): Promise<string> {
  const args = ['template', 'sluice', chart, '--values', values, '--namespace', namespace];
  return succeed(`helm ${args.join(' ')}`, await run(helmProgram, args, {}));
}

/** The path of the first values file that makes an object of this kind: suites need no values of their own for it. */
export async function valuesWith(kind: string): Promise<string> {
  for (const file of valuesFiles()) {
    const manifests = parseManifests(await render(file, 'default'));
    if (manifests.some((manifest) => manifest.kind === kind)) return file;
  }
  throw new Error(`no values file of the chart makes a ${kind}`);
}
