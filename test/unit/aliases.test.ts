/** A package under another's name is told by name where it is imported, so that nobody looks into the wrong one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>;

/** The name in imports, and the package that it is. */
const aliases = Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, version]) => {
  const real = /^npm:(.+)@[^@]+$/.exec(version)?.[1];
  return real === undefined ? [] : [[name, real] as const];
});

const files = ['src', 'test', 'bench', 'scripts', 'monitoring'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.[jt]s$/.test(path))
    .map((path) => join(folder, path)),
);

test('there are such packages', () => {
  expect(aliases).toContainEqual(['http-proxy', 'httpxy']);
});

test.each(aliases)('each import of %s says that it is %s', (name, real) => {
  const imports = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => new RegExp(`(?:from|import\\() ?'${name}'`).test(line))
      .map((line) => `${file}: ${line}`),
  );
  expect(imports).not.toEqual([]);
  expect(imports.filter((line) => !line.endsWith(`// the package ${real}`))).toEqual([]);
});
