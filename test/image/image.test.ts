/** What is in the image, read from its mounted files; nothing runs. */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { entries, imageConfig, imageRoot, revision, sbomFile } from './harness/image.ts';

const own = ['/app', '/etc/sluice'];
const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

// Of these the compile cache is 5 MB: 1.7 of it, for threads and commands, spare each process 13 MB of memory.
test("Sluice's own files stay under 12 MB", () => {
  const bytes = own.flatMap((directory) => [...entries(directory)]).map(({ file }) => lstatSync(file).size);
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(12_000_000);
});

test('every file belongs to root, and all may read it and only root may write it', () => {
  for (const { path, file } of own.flatMap((directory) => [...entries(directory)])) {
    const { uid, gid, mode } = lstatSync(file);
    expect({ path, uid, gid }).toEqual({ path, uid: 0, gid: 0 });
    const executable = lstatSync(file).isDirectory() || (mode & 0o100) !== 0;
    if (!lstatSync(file).isSymbolicLink()) {
      expect(`${path} ${(mode & 0o777).toString(8)}`).toBe(`${path} ${executable ? '755' : '644'}`);
    }
  }
});

test('no file changes its user when it runs', () => {
  const found = [...entries('/')].filter(({ file }) => lstatSync(file).isFile() && lstatSync(file).mode & 0o6000);
  expect(found.map(({ path }) => path)).toEqual([]);
});

test('it holds the sources and the production packages, and nothing of the tests, the docs or the history', () => {
  const top = [...entries('/app')].map(({ path }) => path.split('/')[2]).filter((name) => name !== undefined);
  expect([...new Set(top)].sort()).toEqual([
    '.compile-cache',
    'LICENSE',
    'THIRD-PARTY.md',
    'config',
    'node_modules',
    'package.json',
    'src',
  ]);
  for (const name of Object.keys(manifest.dependencies)) {
    expect(lstatSync(join(imageRoot, 'app/node_modules', name)).isDirectory()).toBe(true);
  }
  for (const name of Object.keys(manifest.devDependencies)) {
    expect(lstatSync(join(imageRoot, 'app/node_modules', name), { throwIfNoEntry: false })).toBeUndefined();
  }
});

test('its default configuration is the commented one', () => {
  expect(readFileSync(join(imageRoot, 'etc/sluice/sluice.yaml'), 'utf8')).toBe(
    readFileSync(join(root, 'config/sluice.yaml'), 'utf8'),
  );
});

test('the bill of materials names what the lock file says, and the licences of all are there', () => {
  const locked = lockedPackages();
  expect(packagesOfBill()).toEqual([...locked, `${manifest.name}@${manifest.version}`].sort());
  const licences = readFileSync(join(imageRoot, 'app/THIRD-PARTY.md'), 'utf8');
  const named = [...licences.matchAll(/^## (.*)$/gm)].map(([, name]) => name!.replace(/ (?=\S+$)/, '@'));
  expect(named.sort()).toEqual(locked);
});

test('its labels say what it is, and of which version and revision', () => {
  expect(imageConfig.Labels).toMatchObject({
    'org.opencontainers.image.title': 'Sluice',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': manifest.version,
    'org.opencontainers.image.revision': revision,
  });
});

test('the Node that installs the packages is the one that the tests run on', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  expect(dockerfile).toContain(`/node:${manifest.devDependencies.node}-`);
  expect(dockerfile.match(/^FROM (?!(--platform=\S+ )?\S+@sha256:[0-9a-f]{64})/gm)).toBeNull();
});

test('it runs as a numeric user that is not root, and is stopped with SIGTERM', () => {
  expect(imageConfig).toMatchObject({
    User: '65532:65532',
    WorkingDir: '/app',
    StopSignal: 'SIGTERM',
    Entrypoint: ['/nodejs/bin/node', '/app/src/main.ts'],
    Cmd: ['serve', '--config', '/etc/sluice/sluice.yaml'],
  });
  expect(Object.keys(imageConfig.ExposedPorts).sort()).toEqual(['8080/tcp', '9090/tcp']);
});

/** `name@version` of every package that is not for development alone, sorted. */
function lockedPackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { name?: string; version: string; dev?: boolean }>;
  };
  const production = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  // An alias says its own name.
  const names = production.map(
    ([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`,
  );
  return names.sort();
}

/** `name@version` of every npm package in the bill of materials, sorted. */
function packagesOfBill(): string[] {
  const { packages } = JSON.parse(readFileSync(sbomFile, 'utf8')) as {
    packages: { name: string; versionInfo: string; externalRefs?: { referenceLocator: string }[] }[];
  };
  const found = packages.filter(({ externalRefs = [] }) =>
    externalRefs.some(({ referenceLocator }) => referenceLocator.startsWith('pkg:npm/')),
  );
  return found.map(({ name, versionInfo }) => `${name}@${versionInfo}`).sort();
}
