/** What a command prints arrives whole, whatever reads it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { program } from '../helpers/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A configuration of so many routes. */
function configOf(name: string, routes: number, more = ''): string {
  const path = join(folder, name);
  const lines = Array.from(
    { length: routes },
    (_, i) => `  - {name: r${i}, match: {path: /r${i}}, upstream: http://h${more}}`,
  );
  writeFileSync(path, ['routes:', ...lines, ''].join('\n'));
  return path;
}

const start = (...argv: string[]) =>
  spawn(process.execPath, [program, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });

test('a report that is longer than any pipe arrives whole', async () => {
  const routes = 1000;
  const child = start('check', configOf('many.yaml', routes));
  const exit = once(child, 'exit');
  const report = await text(child.stdout);
  expect(report.length).toBeGreaterThan(1e6);
  expect(report).toContain(`r${routes - 1}`);
  expect(report.endsWith('\n')).toBe(true);
  expect(await exit).toEqual([0, null]);
});

test.each(['check', 'serve'])('%s names the last of many mistakes too', async (command) => {
  const file = configOf(`wrong-${command}.yaml`, 5000, ', prset: panel');
  const child = command === 'check' ? start('check', file) : start('serve', '--config', file);
  const exit = once(child, 'exit');
  const errors = await text(child.stderr);
  expect(errors.length).toBeGreaterThan(400_000);
  expect(errors.trimEnd().split('\n').at(-1)).toContain('routes[4999].prset');
  expect(await exit).toEqual([2, null]);
});

test('a reader that has seen enough is no error', async () => {
  const child = start('check', configOf('seen.yaml', 500));
  const exit = once(child, 'exit');
  const complaints = text(child.stderr);
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await complaints).toBe('');
  expect(await exit).toEqual([0, null]);
});
