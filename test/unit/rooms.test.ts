/** The rooms of src/ as docs/architecture.md tells of them, and the places where CONTRIBUTING.md sends a newcomer. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const sourceFiles = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
);

/** The names that a file of src/ exports; a type and the value of its name are one. */
function exportedBy(path: string): ReadonlySet<string> {
  const exported = readFileSync(join(root, 'src', path), 'utf8').matchAll(
    /^export (?:abstract )?(?:async )?(?:class|interface|type|const|function) (\w+)/gm,
  );
  return new Set([...exported].map((match) => match[1]!));
}

/** The lines of a section's first table, each as its cells; `null` is the page's beginning. */
function tableOf(path: string, heading: string | null): string[][] {
  const text = read(path);
  const section = heading === null ? text : (text.split(`\n## ${heading}\n`)[1] ?? '');
  const lines = section.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|---'));
  const rows = lines.slice(first + 1, lines.indexOf('', first));
  return rows.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const namesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
const rooms = new Map(
  tableOf('docs/architecture.md', 'The rooms').flatMap(([names = '', sentence = '']) =>
    namesIn(names).map((name) => [name, sentence]),
  ),
);

test('every folder and file of src/ belongs to a room with a sentence', () => {
  const homeless = sourceFiles.filter((path) => {
    const folder = dirname(path);
    if (folder === '.') return !rooms.has(path);
    // A folder of one kind inside a room needs no sentence of its own where the room's tells of it.
    return !rooms.has(`${folder}/`) && !(rooms.get(`${dirname(folder)}/`) ?? '').includes('a folder');
  });
  expect(homeless).toEqual([]);
});

test('every room that is told of is there', () => {
  for (const name of rooms.keys()) expect(existsSync(join(root, 'src', name)), name).toBe(true);
});

test('a newcomer is sent to rooms whose own sentence says so, and to files that are there', () => {
  const changes = tableOf('CONTRIBUTING.md', 'Where does it go');
  expect(changes.length).toBe(10);
  for (const [change = '', where = '', more = ''] of changes) {
    const [room = ''] = namesIn(where);
    const words = /\("(.+)"\)/.exec(where)?.[1] ?? '';
    const told = room.startsWith('src/')
      ? rooms.get(room.slice('src/'.length))
      : read('docs/architecture.md').match(new RegExp(`^\\| \`${room}\` \\| (.*) \\|$`, 'm'))?.[1];
    expect(words, change).not.toBe('');
    expect(told, change).toContain(words);
    for (const name of namesIn(more)) {
      const isThere = [name, join(room, name)].some((path) => existsSync(join(root, path)));
      expect(isThere, `${change}: ${name}`).toBe(true);
    }
  }
});

/** A command's file exports `run`; a kind of value that paths have is `path` beside all other kinds. */
const said = ['run', 'path'];

test('an exported name is that of one thing', () => {
  const owners = new Map<string, string[]>();
  for (const path of sourceFiles) {
    for (const name of exportedBy(path)) owners.set(name, [...(owners.get(name) ?? []), path]);
  }
  for (const name of said) owners.delete(name);
  expect([...owners].filter(([, files]) => files.length > 1)).toEqual([]);
});

test('each word of the glossary is the name of one thing in the code', () => {
  const words = tableOf('docs/architecture.md', null).flatMap(([, , types = '']) => namesIn(types));
  expect(words.length).toBeGreaterThan(10);
  const owners = new Map(words.map((word) => [word, [] as string[]]));
  for (const path of sourceFiles) {
    for (const name of exportedBy(path)) owners.get(name)?.push(path);
  }
  for (const [word, files] of owners) expect(files, word).toHaveLength(1);
});

/** Words that say little by themselves, and the files in which each has its one meaning. */
const methodNames: Readonly<Record<string, readonly string[]>> = {
  tell: ['observe/log/logger.ts'],
  relieve: ['relay/memory/relief.ts'],
  settle: [],
};

test('a method whose name has a meaning is no other', () => {
  for (const [name, files] of Object.entries(methodNames)) {
    const declared = new RegExp(`^ {2,}(?:readonly |static |async |get )*#?${name}(?:\\??: |<\\w|\\(.*\\{$| = )`, 'm');
    const found = sourceFiles.filter((path) => declared.test(readFileSync(join(root, 'src', path), 'utf8')));
    expect(found, name).toEqual(files);
  }
});
