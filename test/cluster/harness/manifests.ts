/** Manifests as objects, to look at one of them or to break it. */
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from './objects.ts';

/** An object whose fields a suite reads or changes as it likes. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is that of its kind, and the server is the one that checks it
export type Manifest = KubernetesObject & { [field: string]: any };

/** The objects of a rendered chart, in its order. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The only object of its kind, or the one whose name ends so. */
export function pick(manifests: readonly Manifest[], kind: string, nameEnds = ''): Manifest {
  const found = manifests.filter(({ kind: its, metadata }) => its === kind && metadata.name.endsWith(nameEnds));
  if (found.length !== 1)
    throw new Error(`${found.length} objects of kind ${kind} named *${nameEnds}, one is expected`);
  return found[0]!;
}
