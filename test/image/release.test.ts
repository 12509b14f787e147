/** What the release's own scripts have pushed to a registry: an index of two platforms, and its bill of materials. */
import { execFile } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { imageConfig, reference, revision, sbomFile } from './harness/image.ts';

const bin = join(import.meta.dirname, '../../.cache/chart/bin');
const run = async (name: 'crane' | 'oras', ...args: readonly string[]) =>
  (await promisify(execFile)(join(bin, name), args, { maxBuffer: 64 * 2 ** 20 })).stdout;

interface Index {
  readonly mediaType: string;
  readonly manifests: readonly { readonly digest: string; readonly platform: { os: string; architecture: string } }[];
}

interface Config {
  readonly architecture: string;
  readonly config: typeof imageConfig;
}

const index = async () => JSON.parse(await run('crane', 'manifest', reference)) as Index;

test('is an OCI index of amd64 and arm64', async () => {
  const { mediaType, manifests } = await index();
  expect(mediaType).toBe('application/vnd.oci.image.index.v1+json');
  const platforms = manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`);
  expect(platforms.sort()).toEqual(['linux/amd64', 'linux/arm64']);
});

test('runs the same on both: user, program, labels and revision', async () => {
  const configs = await Promise.all(
    ['amd64', 'arm64'].map(async (architecture) => {
      const text = await run('crane', 'config', '--platform', `linux/${architecture}`, reference);
      const parsed = JSON.parse(text) as Config;
      expect(parsed.architecture).toBe(architecture);
      return parsed.config;
    }),
  );
  for (const { User, Entrypoint, Cmd, WorkingDir, Env, Labels } of configs) {
    expect({ User, Entrypoint, Cmd, WorkingDir }).toEqual({
      User: imageConfig.User,
      Entrypoint: imageConfig.Entrypoint,
      Cmd: imageConfig.Cmd,
      WorkingDir: imageConfig.WorkingDir,
    });
    expect(Env).toContain(`SLUICE_REVISION=${revision}`);
    expect(Labels['org.opencontainers.image.revision']).toBe(revision);
  }
});

test('holds the same program for arm64, with the Node of that machine and without native code of this one', async () => {
  const folder = scratchFolder();
  await run('crane', 'export', '--platform', 'linux/arm64', reference, join(folder, 'image.tar'));
  await promisify(execFile)('tar', ['-xf', 'image.tar', 'app', 'nodejs'], { cwd: folder });
  // The machine of an ELF file stands in its bytes 18 and 19: 183 is AArch64, 62 is x86-64.
  expect(readFileSync(join(folder, 'nodejs/bin/node')).readUInt16LE(18)).toBe(183);
  const files = readdirSync(join(folder, 'app'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, 'app', name))
    .filter((file) => lstatSync(file).isFile());
  expect(files.length).toBeGreaterThan(200);
  expect(files.filter((file) => readFileSync(file).subarray(0, 4).toString('latin1') === '\x7fELF')).toEqual([]);
  // What V8 compiled here would mean nothing there.
  expect(readdirSync(join(folder, 'app/.compile-cache'))).toEqual([]);
});

test('has its bill of materials beside it', async () => {
  const found = JSON.parse(await run('oras', 'discover', '--plain-http', '--format', 'json', reference)) as {
    manifests: readonly { artifactType: string; digest: string }[];
  };
  expect(found.manifests.map(({ artifactType }) => artifactType)).toEqual(['application/spdx+json']);
  const folder = scratchFolder();
  const attached = `${reference.split('@')[0]}@${found.manifests[0]!.digest}`;
  await run('oras', 'pull', '--plain-http', '--output', folder, attached);
  const [name] = readdirSync(folder);
  expect(readFileSync(join(folder, name!), 'utf8')).toBe(readFileSync(sbomFile, 'utf8'));
});
