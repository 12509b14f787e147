import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadFiles, readConfig } from '../../../../src/config/live/read.ts';
import { judgePair } from '../../../../src/config/live/tls-pair.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-read-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function problemsOf(name: string, content?: string | Uint8Array): Promise<string[]> {
  const path = join(folder, name);
  if (content !== undefined) writeFileSync(path, content);
  const loaded = await readConfig([path]);
  return 'errors' in loaded ? loaded.errors.map((error) => formatConfigError(error).replace(`${folder}/`, '')) : [];
}

test('a file on disk is loaded', async () => {
  expect(await problemsOf('good.yaml', 'routes: [{name: a, upstream: "http://h"}]')).toEqual([]);
});

test('a byte order mark is no mistake', async () => {
  expect(await problemsOf('bom.yaml', '\ufeffroutes: [{name: a, upstream: "http://h"}]')).toEqual([]);
});

test('a file that cannot be read says why', async () => {
  expect(await problemsOf('absent.yaml')).toEqual([
    'absent.yaml does not exist; give the path of a configuration file',
  ]);
  expect(await problemsOf('.')).toEqual([`${folder} is a directory; give the path of a configuration file`]);
  expect(await problemsOf('latin1.yaml', Uint8Array.of(0x61, 0xe4, 0x62))).toEqual([
    'latin1.yaml is not UTF-8 text; save it as UTF-8',
  ]);
  expect(await problemsOf('long.yaml', '#'.repeat(1024 * 1024 + 1))).toEqual([
    'long.yaml is longer than 1048576 bytes; give the path of a configuration file, or write less',
  ]);
});

test('a file that is there and may not be read asks for the right to read it', () => {
  const loaded = loadFiles([{ file: 'secret.yaml', error: { code: 'EACCES', message: '' } }]);
  expect('errors' in loaded && loaded.errors.map(formatConfigError)).toEqual([
    'secret.yaml may not be read by this user; let the user that runs Sluice read it, and look into its folders',
  ]);
});

test('so does every file that a setting names', () => {
  const secret = { file: 'tls.key', error: { code: 'EACCES', message: '' } };
  expect(judgePair({ file: 'tls.crt', bytes: Buffer.alloc(0) }, secret)).toEqual({
    problem:
      'listen.tls.key: tls.key may not be read by this user; let the user that runs Sluice read it, and look into its folders',
  });
});
