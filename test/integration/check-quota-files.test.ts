import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkQuotaFiles } from '../../src/cli/check-quota-files.ts';
import { judgeFindings } from '../../src/cli/file-findings.ts';
import type { QuotaStoreConfig, UpstreamTls } from '../../src/config/types.ts';
import { caCert } from '../helpers/private-ca.ts';

const folder = mkdtempSync(join(tmpdir(), 'check-quotas-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const tls: UpstreamTls = { ca: null, serverName: null, clientCert: null, clientKey: null, insecureSkipVerify: false };

async function found(own: Partial<QuotaStoreConfig>) {
  const quotas: QuotaStoreConfig = {
    target: { protocol: 'https:', host: 'redis', port: 6379, href: 'rediss://redis' },
    ...{ database: 0, username: null, passwordFile: null, timeoutMs: 250, prefix: 'sluice', tls },
    ...own,
  };
  const { errors, warnings } = judgeFindings(await checkQuotaFiles({ quotas }), new Map());
  return { errors, warnings: warnings.map(({ subject, message }) => `${subject}: ${message}`) };
}

test('nothing is said without a store, and of files that can be used', async () => {
  expect(await checkQuotaFiles({ quotas: null })).toEqual([]);
  expect(await found({})).toEqual({ errors: [], warnings: [] });
  const passwordFile = file('password', 'a password with blanks \r\n');
  expect(await found({ passwordFile, tls: { ...tls, ca: file('ca.crt', caCert) } })).toEqual({
    errors: [],
    warnings: [],
  });
});

describe('an error', () => {
  test.each<[string, Partial<QuotaStoreConfig>, string]>([
    ['an empty password', { passwordFile: file('empty', '\n') }, 'is empty; write the password into it'],
    ['two lines', { passwordFile: file('two', 'secret\nsecond\n') }, 'has more than one line'],
    ['one that is too long', { passwordFile: file('long', 'x'.repeat(5000)) }, 'is longer than 4096'],
    ['a folder', { passwordFile: folder }, 'is a directory'],
    ['bytes that are no text', { passwordFile: file('bytes', '') }, 'is empty'],
    ['no authority', { tls: { ...tls, ca: file('none.crt', 'x') } }, 'quotas.tls.ca: '],
  ])('%s', async (_, own, problem) => {
    const { errors, warnings } = await found(own);
    expect(errors).toEqual([expect.stringContaining(problem)]);
    expect(errors.join()).not.toContain('secret');
    expect(warnings).toEqual([]);
  });
});

test('a file that is not there is a warning: it may be mounted elsewhere', async () => {
  expect(await found({ passwordFile: join(folder, 'nowhere') })).toEqual({
    errors: [],
    warnings: [
      `quotas.password_file: ${join(folder, 'nowhere')} does not exist here; without it Sluice does not start.`,
    ],
  });
});
