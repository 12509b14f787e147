/**
 * Cuts a version: `node scripts/release/version.ts 0.2.0 && npm run docs && bash test/chart/readme.sh`. What
 * CHANGELOG.md has as Unreleased becomes that version's, and every file that names the version names the new one. A tag
 * v0.2.0 then publishes it.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** A file, and how it names the version; each pattern is found exactly as often as it says. */
const places: readonly (readonly [file: string, pattern: (version: string) => string, times: number])[] = [
  ['package.json', (version) => `"version": "${version}"`, 1],
  ['package-lock.json', (version) => `"name": "sluice-gateway",\n  "version": "${version}"`, 1],
  ['package-lock.json', (version) => `"name": "sluice-gateway",\n      "version": "${version}"`, 1],
  ['Dockerfile', (version) => `ARG SLUICE_VERSION=${version}\n`, 1],
  ['README.md', (version) => `sluice:${version} `, 2],
  ['helm/sluice/Chart.yaml', (version) => `\nversion: ${version}\nappVersion: ${version}\n`, 1],
  ['helm/sluice/examples/panel-sidecar/Chart.yaml', (version) => `    version: ${version}\n`, 1],
];

/** All files as they are with a new version; throws where one does not name the old one as it should. */
export function withVersion(
  read: (file: string) => string,
  version: string,
  date: string,
): ReadonlyMap<string, string> {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${version} is no version; write 0.2.0`);
  const { version: before } = JSON.parse(read('package.json')) as { version: string };
  const changed = new Map<string, string>();
  for (const [file, pattern, times] of places) {
    const text = changed.get(file) ?? read(file);
    const parts = text.split(pattern(before));
    if (parts.length !== times + 1)
      throw new Error(`${file} names ${before} ${parts.length - 1} times as ${pattern('…')}`);
    changed.set(file, parts.join(pattern(version)));
  }
  const changelog = read('CHANGELOG.md');
  const heading = '## [Unreleased]\n';
  if (!changelog.includes(heading)) throw new Error('CHANGELOG.md has no section [Unreleased]');
  if (changelog.includes(`## [${version}]`)) throw new Error(`CHANGELOG.md has a section [${version}] already`);
  changed.set('CHANGELOG.md', changelog.replace(heading, `${heading}\n## [${version}] - ${date}\n`));
  return changed;
}

if (import.meta.main) {
  const [version = ''] = process.argv.slice(2);
  const today = new Date().toISOString().slice(0, 10);
  for (const [file, text] of withVersion((path) => readFileSync(path, 'utf8'), version, today))
    writeFileSync(file, text);
}
