import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
let place: string;
let sluice: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'sluice-package-'));
  const packed = await run('npm', ['pack', '--json', '--pack-destination', place], { cwd: process.cwd() });
  const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('['))) as [{ filename: string }];
  await writeFile(join(place, 'package.json'), '{"private": true}');
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(place, filename)], { cwd: place });
  sluice = join(place, 'node_modules', '.bin', 'sluice');
}, 240_000);

afterAll(() => rm(place, { recursive: true, force: true }));

test('the packed tarball, installed elsewhere, checks a configuration', async () => {
  const config =
    'routes:\n  - name: app\n    match: {path: /}\n    upstream: http://127.0.0.1:5006\n    preset: panel\n';
  await writeFile(join(place, 'sluice.yaml'), config);
  const { stdout } = await run(sluice, ['check', 'sluice.yaml'], { cwd: place });
  expect(stdout).toContain('max_message_size');
  expect(stdout).toContain('20MiB');

  await writeFile(join(place, 'broken.yaml'), config.replace('upstream: http://127.0.0.1:5006', 'upstream: nowhere'));
  await expect(run(sluice, ['check', 'broken.yaml'], { cwd: place })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('broken.yaml:4:15'),
  });
});

test('the packed tarball carries its pages, and finds the plotting library', async () => {
  const script = `
    import { loadPage } from 'sluice-gateway/dist/demo/page.js';
    import { pageEndpoints } from 'sluice-gateway/dist/admin/page-files.js';
    console.log(loadPage().size, pageEndpoints().map(({ path }) => path).join(' '));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: place });
  expect(stdout).toMatch(/^1\d \/ .*\/uplot\.js \/uplot\.css\n$/);
});
