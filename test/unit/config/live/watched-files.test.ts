import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseRevoked } from '../../../../src/admission/auth/files.ts';
import { readFiles } from '../../../../src/config/live/read.ts';
import { judgeUpstreamFiles } from '../../../../src/config/live/upstream-files.ts';
import { WatchedFiles } from '../../../../src/config/live/watched-files.ts';
import { createLog } from '../../../../src/observe/log/log.ts';
import { caCert } from '../../../helpers/private-ca.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-watched-'));
afterAll(() => rmSync(folder, { recursive: true }));

const mostBytes = 1024 * 1024;

/** A list of users whose last one stands at its end. */
function listOf(bytes: number): string {
  const last = '\nmallory\n';
  return `ann\n${'#'.repeat(bytes - 4 - last.length)}${last}`;
}

test.each([
  ['as long as files may be', mostBytes, null],
  ['longer by a byte', mostBytes + 1, 'is longer than 1048576 bytes'],
])('a list that is %s is read to its end or not at all', async (name, bytes, problem) => {
  const path = join(folder, name);
  writeFileSync(path, listOf(bytes));
  const files = new WatchedFiles(createLog({ write() {} }));
  const problems = await files.follow([{ name: 'revoked_users', path, parse: parseRevoked }]);
  expect(problems).toEqual(problem === null ? [] : [`revoked_users: ${path} ${problem}`]);
  expect(files.valueOf('revoked_users', path)).toEqual(problem === null ? new Set(['ann', 'mallory']) : null);
  files.close();
});

test('what takes long to understand is not put in use once nobody wants it any more', async () => {
  const path = join(folder, 'long');
  writeFileSync(path, 'ann');
  const lines: string[] = [];
  const log = createLog({ write: (line: string) => void lines.push(line) });
  const [begun, understood] = [Promise.withResolvers<void>(), Promise.withResolvers<{ value: number }>()];
  const parse = () => {
    begun.resolve();
    return understood.promise;
  };
  const files = new WatchedFiles(log);
  const followed = files.follow([{ name: 'revoked_users', path, parse }]);
  await begun.promise;
  files.close();
  understood.resolve({ value: 1 });
  expect(await followed).toEqual([]);
  expect(lines).toEqual([]);
});

test('a file of authorities that is not read to its end cannot be used', async () => {
  const ca = join(folder, 'ca.crt');
  writeFileSync(ca, caCert.padEnd(mostBytes + 1, '\n'));
  const files = { ca, clientCert: null, clientKey: null };
  expect(judgeUpstreamFiles(files, await readFiles([ca]))).toEqual({
    problem: `upstream_tls.ca: ${ca} is longer than 1048576 bytes`,
  });
});
