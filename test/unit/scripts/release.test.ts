import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { notesOf } from '../../../scripts/release/notes.ts';
import { withVersion } from '../../../scripts/release/version.ts';

/** The files as they are, with something to release: just behind a version there is nothing. */
function read(file: string): string {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  if (file !== 'CHANGELOG.md') return text;
  return text.replace('## [Unreleased]\n', '## [Unreleased]\n\n### Added\n\n- Something new.\n');
}

describe('a version that is cut', () => {
  const cut = withVersion(read, '9.8.7', '2026-11-29');

  test('is named by every file that names one', () => {
    expect(JSON.parse(cut.get('package.json')!).version).toBe('9.8.7');
    const lock = JSON.parse(cut.get('package-lock.json')!);
    expect([lock.version, lock.packages[''].version]).toEqual(['9.8.7', '9.8.7']);
    expect(cut.get('Dockerfile')).toContain('ARG SLUICE_VERSION=9.8.7\n');
    expect(cut.get('helm/sluice/Chart.yaml')).toMatch(/^version: 9[.]8[.]7\nappVersion: 9[.]8[.]7$/m);
    expect(cut.get('helm/sluice/examples/panel-sidecar/Chart.yaml')).toMatch(/^ {4}version: 9[.]8[.]7$/m);
  });

  test('takes what was not released, whose notes are cut out again', () => {
    const changelog = cut.get('CHANGELOG.md')!;
    expect(changelog).toContain('## [Unreleased]\n\n## [9.8.7] - 2026-11-29\n\n### Added\n\n- Something new.\n');
    const before = read('CHANGELOG.md');
    const unreleased = before.slice(
      before.indexOf('## [Unreleased]') + 15,
      before.indexOf('\n## [', 20 + before.indexOf('## [Unreleased]')),
    );
    expect(notesOf(changelog, '9.8.7')).toBe(`${unreleased.trim()}\n`);
  });

  test('is no version twice, and none that is none', () => {
    const again = (file: string) => cut.get(file) ?? read(file);
    expect(() => withVersion(again, '9.8.7', '2026-11-30')).toThrow('has a section [9.8.7] already');
    expect(() => withVersion(read, 'v9', '2026-11-30')).toThrow('write 0.2.0');
    expect(() => notesOf(read('CHANGELOG.md'), '9.8.7')).toThrow('has no section [9.8.7]');
  });
});
