/** Comments and pages have at most as many columns as code, which the formatter holds alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { expect, test } from 'vitest';

const columns = 120;
const project = join(import.meta.dirname, '../..');

/** A file without an extension is a script. */
const hashed = ['', '.sh', '.py', '.conf', '.yaml'];
const slashed = ['.ts', '.js', '.mjs', '.css', '.c', '.h'];
const generated = ['docs/conformance.md', 'helm/sluice/files'];

/** The places of the lines of one kind that are too long. */
function longLines(path: string, isHeld: (line: string) => boolean): string[] {
  const lines = readFileSync(join(project, path), 'utf8').split('\n');
  return lines.flatMap((line, i) => (isHeld(line) && [...line].length > columns ? [`${path}:${i + 1}`] : []));
}

function longComments(path: string): string[] {
  if (slashed.includes(extname(path))) return longLines(path, (line) => /^ *\*|(^| )(\/\/|\/\*) /.test(line));
  return hashed.includes(extname(path)) ? longLines(path, (line) => /^ *# /.test(line)) : [];
}

/** Tables, code, pictures and a single long word cannot be wrapped. */
function longProse(path: string): string[] {
  let inCode = false;
  return longLines(path, (line) => {
    if (/^ *```/.test(line)) inCode = !inCode;
    return !inCode && /^(?! *\||!\[).*\S \S/.test(line);
  });
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(project.length + 1))
    .filter((path) => !generated.some((other) => path.includes(other)));
}

test.each(['.ci', '.github', 'bench', 'config', 'helm', 'monitoring', 'scripts', 'src', 'test'])(
  'the comments of %s fit',
  (folder) => {
    expect(filesBelow(folder).flatMap(longComments)).toEqual([]);
  },
);

test('the pages fit', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...filesBelow('docs').filter((path) => path.endsWith('.md')),
  ];
  expect(pages.flatMap(longProse)).toEqual([]);
});
