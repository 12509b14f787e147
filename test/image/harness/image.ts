/** The image that run.sh has built: its files, mounted, and its configuration. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The part of an OCI image's configuration that says how it runs. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly ExposedPorts: Readonly<Record<string, unknown>>;
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal: string;
}

/** The image's root directory. */
export const imageRoot = required('SLUICE_IMAGE_ROOT');
/** The file with the bill of materials, as SPDX. */
export const sbomFile = required('SLUICE_IMAGE_SBOM');
/** The revision that the image was built with. */
export const revision = required('SLUICE_IMAGE_REVISION');

/** Where the image is in the registry, with its digest; it is what all else here was pulled from. */
export const reference = required('SLUICE_IMAGE_REFERENCE');

export const imageConfig = (
  JSON.parse(readFileSync(required('SLUICE_IMAGE_CONFIG'), 'utf8')) as { Docker: { config: ImageConfig } }
).Docker.config;

/** One file, directory or link of the image. */
export interface Entry {
  /** From the image's root: `/app/src/main.ts`. */
  readonly path: string;
  /** Where it is on this machine. */
  readonly file: string;
}

/** Everything at and below a directory of the image. */
export function* entries(directory: string): Generator<Entry> {
  yield { path: directory, file: join(imageRoot, directory) };
  for (const entry of readdirSync(join(imageRoot, directory), { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* entries(path);
    else yield { path, file: join(imageRoot, path) };
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: start this suite with npm run test:image`);
  return value;
}
