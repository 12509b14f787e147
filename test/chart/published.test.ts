/** What a release publishes, as far as it can be seen without publishing: the packaged chart and the workflows. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { root, scratchDirectory } from '../real/harness/paths.ts';
import { find, manifests, render, tool } from './helm.ts';

const run = promisify(execFile);

describe('the packaged chart', () => {
  let unpacked: string;
  let archive: string;

  beforeAll(async () => {
    const folder = scratchDirectory('package');
    const env = { ...process.env, HELM: join(root, '.cache/chart/bin/helm') };
    await run('bash', ['scripts/release/chart.sh', folder, 'ghcr.io/example/sluice'], { cwd: root, env });
    archive = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!);
    await run('tar', ['-xzf', archive, '-C', folder]);
    unpacked = join(folder, 'sluice');
  });

  test('carries what its README links to', () => {
    const readme = readFileSync(join(unpacked, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([^)#]+)/g)]
      .map(([, link]) => link!)
      .filter((link) => !link.includes('://'));
    expect(links).toContain('docs/configuration.md');
    expect(links).toContain('ci/spot-values.yaml');
    expect(links.filter((link) => !existsSync(join(unpacked, link)))).toEqual([]);
  });

  test('makes what the checkout makes, of the image that was published', async () => {
    const { output } = await tool('helm', ['template', 'rel', archive, '--namespace', 'apps']);
    const [made, expected] = [manifests(output), await render()];
    expect(made.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(
      expected.map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    );
    const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
    const [sluice] = find(made, 'Deployment').spec.template.spec.containers;
    expect(sluice.image).toBe(`ghcr.io/example/sluice:${version}`);
  });

  test('passes helm lint, and has everything that a catalogue shows', async () => {
    const { code, output } = await tool('helm', ['lint', '--strict', unpacked]);
    expect(code, output).toBe(0);
    expect(output).not.toContain('icon is recommended');
    const { output: shown } = await tool('helm', ['show', 'chart', archive]);
    for (const key of ['home', 'icon', 'sources', 'maintainers', 'kubeVersion'])
      expect(shown).toMatch(new RegExp(`^${key}:`, 'm'));
  });
});

describe('the workflows', () => {
  const folder = join(root, '.github/workflows');
  const files = readdirSync(folder).map((name) => join(folder, name));

  test('pass actionlint', async () => {
    const { code, output } = await tool('actionlint', ['-shellcheck=', '-pyflakes=', ...files]);
    expect(output).toBe('');
    expect(code).toBe(0);
  });

  test('a wrong one does not', async () => {
    const text = readFileSync(files[0]!, 'utf8').replace('runs-on:', 'runs-of:');
    expect((await tool('actionlint', ['-shellcheck=', '-pyflakes=', '-'], text)).output).toContain(
      'unexpected key "runs-of"',
    );
  });

  test('take actions by their commit, and call only scripts that are there', () => {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action!);
    expect(uses.length).toBeGreaterThan(5);
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const scripts = [...text.matchAll(/(?:bash|node) ((?:scripts|test)\/[\w/.-]+)/g)].map(([, path]) => path!);
    expect(scripts).toContain('scripts/release/image.sh');
    expect(scripts.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('a tag is refused until the version, its notes and the repository are there', async () => {
    const tagged = (tag: string) => run('bash', ['scripts/release/tagged.sh', tag], { cwd: root });
    await expect(tagged('v9.9.9')).rejects.toThrow('package.json has another version than v9.9.9');
  });
});
