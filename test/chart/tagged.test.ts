/**
 * A version is cut and tagged in a repository of its own, as docs/image.md says, and the release's first step looks at
 * the tag.
 */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { root, scratchDirectory } from '../real/harness/paths.ts';

const repository = scratchDirectory('tagged');
/** What a maintainer types there, in a shell that finds Node and git. */
const type = async (line: string, cwd = repository) => {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false'];
  const git = `git() { command git ${identity.join(' ')} "$@"; }`;
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
  return (await promisify(execFile)('bash', ['-ec', `${git}; ${line}`], { cwd, env: { ...process.env, PATH: path } }))
    .stdout;
};
const edit = (file: string, change: (text: string) => string) => {
  const path = join(repository, file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
};
/** Tags what stands there, and runs the release's first step on a fresh clone of that tag. */
const release = async (tag: string) => {
  await type(`git add --all && git commit --quiet --allow-empty --message cut && git tag --force ${tag}`);
  const clone = join(scratchDirectory('clone'), 'sluice');
  await type(`git clone --quiet --depth 1 --branch ${tag} "file://$PWD" ${clone}`);
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  await type(`bash scripts/release/tagged.sh "$(git describe --tags --exact-match)"`, clone);
  return clone;
};

beforeAll(async () => {
  const folders = ['src', 'docs', 'helm', 'monitoring', 'config', 'scripts', 'test/chart', 'test/helpers'];
  const files = ['README.md', 'CHANGELOG.md', 'Dockerfile', 'package.json', 'package-lock.json', '.gitignore'];
  for (const name of [...folders, ...files]) cpSync(join(root, name), join(repository, name), { recursive: true });
  for (const name of ['node_modules', '.cache']) symlinkSync(join(root, name), join(repository, name));
  edit('.gitignore', (text) => `${text}\nnode_modules\n.cache\n`);
  // Just behind a version there is nothing to release.
  edit('CHANGELOG.md', (text) =>
    text.replace('## [Unreleased]\n', '## [Unreleased]\n\n### Added\n\n- Something new.\n'),
  );
  await type('git init --quiet');
  const line = /`node (scripts\/release\/version[.]ts) 1[.]2[.]3 (&& .*?)` cuts the version/;
  const [, script, rest] = line.exec(readFileSync(join(root, 'docs/image.md'), 'utf8'))!;
  await type(`node ${script} 9.8.7 ${rest}`);
}, 120_000);

test('is refused while nobody owns the repository', async () => {
  await expect(release('v9.8.7')).rejects.toThrow('repository.url in package.json still says OWNER');
});

test('is refused while the chart does not know who does', async () => {
  edit('package.json', (text) => text.replace('github.com/OWNER/', 'github.com/example/'));
  await expect(release('v9.8.7')).rejects.toThrow('helm/sluice/Chart.yaml still says OWNER; run npm run docs');
});

test('goes through then, with its notes and a chart that says where it is from', async () => {
  await type('npm run docs');
  const clone = await release('v9.8.7');
  expect(await type('node scripts/release/notes.ts 9.8.7', clone)).toContain('\n- Something new.\n');
  await type(
    `HELM=${join(root, '.cache/chart/bin/helm')} bash scripts/release/chart.sh out ghcr.io/example/sluice`,
    clone,
  );
  const chart = await type('tar --extract --gzip --to-stdout --file out/sluice-9.8.7.tgz sluice/Chart.yaml', clone);
  expect(chart).toContain('home: https://github.com/example/sluice\n');
  expect(chart).not.toContain('OWNER');
});

test('is refused on a checkout of another version', async () => {
  await expect(release('v9.8.8')).rejects.toThrow('package.json has another version than v9.8.8');
  await expect(release('v9x8x7')).rejects.toThrow('package.json has another version than v9x8x7');
  edit('CHANGELOG.md', (text) => text.replace('## [9.8.7]', '## [9.8.6]'));
  await expect(release('v9.8.7')).rejects.toThrow('CHANGELOG.md has no section [9.8.7]');
});
