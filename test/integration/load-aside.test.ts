/** Loading in a thread gives what loading in place gives. */
import { expect, test } from 'vitest';
import { loadAside } from '../../src/config/live/load-aside.ts';
import { type FileContent, loadFiles, readFiles } from '../../src/config/live/read.ts';
import { expectEqual } from '../helpers/often.ts';

const fileOf = (text: string): readonly FileContent[] => [{ file: 'sluice.yaml', bytes: Buffer.from(text) }];

const routes = Array.from(
  { length: 1001 },
  (_, i) =>
    `  - {name: r${i}, match: {path: /r/${i}}, upstream: "http://h:${1 + i}", preset: ${i % 2 ? 'panel' : 'jupyter'}, limits: {client: {max_message_size: ${i % 3 ? 'unlimited' : '1MiB'}}}}`,
);

test('a configuration with more routes than one message carries', async () => {
  const contents = fileOf(`listen: {trusted_proxies: [10.0.0.0/8]}\nroutes:\n${routes.join('\n')}\n`);
  const loaded = await loadAside(contents);
  const inPlace = loadFiles(contents);
  if ('errors' in loaded || 'errors' in inPlace) throw new Error('it has errors');
  // Where each value stands is known in the thread alone.
  expectEqual(loaded, { config: inPlace.config, resolved: inPlace.resolved });
  const resolved = loaded.config.routes.map((route) => loaded.resolved.routes.find((found) => found.route === route));
  expectEqual(resolved, loaded.resolved.routes);
});

test('every error of a broken one', async () => {
  const contents = fileOf('routes:\n  - {name: a, upstream: "ftp://h", oops: 1}\n');
  const loaded = await loadAside(contents);
  expect(loaded).toEqual(loadFiles(contents));
  expect('errors' in loaded && loaded.errors.length).toBe(2);
});

test('a file that cannot be read', async () => {
  const contents = await readFiles(['/nowhere/gone.yaml']);
  expect(await loadAside(contents)).toEqual(loadFiles(contents));
});
