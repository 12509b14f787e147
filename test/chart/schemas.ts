/**
 * Offline validation of manifests: built-in kinds by kubernetes-validate, custom resources by kubeconform with their
 * CRDs' schemas.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { root, scratchDirectory } from '../real/harness/paths.ts';
import { type Manifest, tool } from './helm.ts';

/** The oldest version that the chart supports, and the one that the tools are made for. */
export const kubernetesVersions = ['1.30', '1.34'] as const;

interface Crd {
  readonly kind: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: object } }[];
  };
}

const crds: readonly Crd[] = readdirSync(join(root, '.cache/chart/crds'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .flatMap((path) => parseAllDocuments(readFileSync(join(root, '.cache/chart/crds', path), 'utf8')))
  .map((document) => document.toJS() as Crd)
  .filter((crd) => crd?.kind === 'CustomResourceDefinition');
const groups = new Set(crds.map(({ spec }) => spec.group));

/** As the API server reads a CRD: keys that its schema does not name are errors. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  if (closed['x-kubernetes-int-or-string']) return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  const open = closed['x-kubernetes-preserve-unknown-fields'] || closed.additionalProperties !== undefined;
  return closed.properties && !open ? { ...closed, additionalProperties: false } : closed;
}

function writeCrdSchemas(directory: string, kinds: ReadonlySet<string>): void {
  for (const { spec } of crds.filter((crd) => kinds.has(crd.spec.names.kind))) {
    for (const { name, schema } of spec.versions) {
      const top = strict(schema.openAPIV3Schema) as { properties: Record<string, unknown> };
      // The API server knows these by itself.
      const properties = { ...top.properties, apiVersion: { type: 'string' }, metadata: { type: 'object' } };
      mkdirSync(join(directory, spec.group), { recursive: true });
      const file = join(directory, spec.group, `${spec.names.kind.toLowerCase()}_${name}.json`);
      writeFileSync(file, JSON.stringify({ ...top, properties }));
    }
  }
}

/**
 * What the schemas find wrong with these manifests; empty where all are valid. A kind without a schema is wrong too.
 */
export async function faults(all: readonly Manifest[], version: string): Promise<string[]> {
  const directory = scratchDirectory('manifests');
  const custom = all.filter(({ apiVersion }) => groups.has(apiVersion.split('/')[0]!));
  const builtIn = all.filter((manifest) => !custom.includes(manifest));
  return [...(await builtInFaults(builtIn, directory, version)), ...(await customFaults(custom, directory))];
}

async function builtInFaults(all: readonly Manifest[], directory: string, version: string): Promise<string[]> {
  const file = join(directory, 'built-in.yaml');
  writeFileSync(file, text(all));
  const { code, output } = await tool('kubernetes-validate', ['--kubernetes-version', version, '--strict', file]);
  const lines = output.trimEnd().split('\n');
  const passed = lines.filter((line) => line.startsWith('INFO ') && line.includes(' passed '));
  const others = lines.filter((line) => !passed.includes(line));
  if (code === 0 && others.length === 0 && passed.length === all.length) return [];
  return others.length > 0 ? others : [`kubernetes-validate exits ${code} after ${passed.length} of ${all.length}`];
}

async function customFaults(all: readonly Manifest[], directory: string): Promise<string[]> {
  if (all.length === 0) return [];
  const schemas = join(directory, 'schemas');
  writeCrdSchemas(schemas, new Set(all.map(({ kind }) => kind)));
  const location = `${schemas}/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`;
  const { code, output } = await tool(
    'kubeconform',
    ['-strict', '-output', 'json', '-schema-location', location],
    text(all),
  );
  const { resources } = JSON.parse(output) as { resources: { kind: string; name: string; msg: string }[] };
  const found = resources.map(({ kind, name, msg }) => `${kind}/${name}: ${msg}`);
  return code === 0 || found.length > 0 ? found : [output];
}

function text(all: readonly Manifest[]): string {
  return all.map((manifest) => stringify(manifest)).join('---\n');
}
