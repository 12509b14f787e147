import { getDiffieHellman } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { protocolProblem, type TlsFlags, termsOf } from '../../../../src/cli/hub-proxy/tls-terms.ts';
import { groupPem } from '../../../helpers/dh-group.ts';

const none: TlsFlags = { protocol: null, ciphers: null, dhparam: null };
const file = (content: string) => {
  const path = join(mkdtempSync(join(tmpdir(), 'dh-')), 'dh.pem');
  writeFileSync(path, content);
  return path;
};
const group = (name: string) => groupPem(getDiffieHellman(name).getPrime());

async function listOf(flags: Partial<TlsFlags>): Promise<string[]> {
  const terms = await termsOf({ ...none, ...flags });
  if ('problem' in terms) throw new Error(terms.problem);
  return terms.ciphers!.split(':');
}

async function problemOf(flags: Partial<TlsFlags>): Promise<string> {
  const terms = await termsOf({ ...none, ...flags });
  return 'problem' in terms ? terms.problem : '';
}

test.each([
  ['TLS', 'TLSv1.2', 'TLSv1.3'],
  ['SSLv23', 'TLSv1.2', 'TLSv1.3'],
  ['TLSv1_2', 'TLSv1.2', 'TLSv1.2'],
  ['TLSv1_3', 'TLSv1.3', 'TLSv1.3'],
])('%s is from %s to %s', async (protocol, minVersion, maxVersion) => {
  expect(protocolProblem(protocol)).toBeNull();
  expect(await termsOf({ ...none, protocol })).toEqual({ minVersion, maxVersion });
});

test.each(['SSLv3', 'TLSv1', 'TLSv1_1', 'tls', 'constructor', ''])('%j is no version', (name) => {
  expect(protocolProblem(name)).toContain('TLSv1_2 or TLSv1_3');
});

test('a list of suites is taken, without those that hide nothing, and the suites of TLS 1.3 stay', async () => {
  const list = await listOf({ ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:HIGH' });
  expect(list).toEqual(
    expect.arrayContaining(['TLS_AES_256_GCM_SHA384', 'ECDHE-RSA-AES128-GCM-SHA256', 'HIGH', '!aNULL', '!RC4']),
  );
});

test('whoever names suites of TLS 1.3 gets those alone', async () => {
  const list = await listOf({ ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256' });
  expect(list.filter((name) => name.startsWith('TLS_'))).toEqual(['TLS_AES_128_GCM_SHA256']);
});

test.each(['NO-SUCH-SUITE', 'RC4', 'aNULL', 'eNULL', 'HIGH:@SECLEVEL=0'])('%s is refused by name', async (ciphers) => {
  // The flag, its value, what is wrong and what to write, and no number of OpenSSL's.
  expect(await problemOf({ ciphers })).toMatch(
    /^--ssl-ciphers ".*" (?:holds no suite that is known and not broken|lets broken ones in by its level); name some as .*, or leave the flag out$/,
  );
  expect(await problemOf({ ciphers })).toContain(`"${ciphers}"`);
});

test('a group is taken, and brings its suites where none are listed', async () => {
  const dhparam = file(group('modp14'));
  expect(await listOf({ dhparam })).toEqual(
    expect.arrayContaining(['TLS_AES_256_GCM_SHA384', 'DHE-RSA-AES256-GCM-SHA384']),
  );
  expect(await listOf({ dhparam, ciphers: 'HIGH' })).not.toContain('DHE-RSA-AES256-GCM-SHA384');
  expect(await termsOf({ ...none, dhparam })).toMatchObject({ dhparam: Buffer.from(group('modp14')) });
});

test.each([
  ['a short group', group('modp5'), /1536 bits, and 2048 are the least/],
  ['no group', 'hello', /holds no DH PARAMETERS/],
  ['nothing', '', /holds no DH PARAMETERS/],
  ['a broken group', group('modp14').replace('MII', 'NII'), /holds no DH PARAMETERS/],
  ['half a group', group('modp14').replace(/(?<=-----\n.{40})[\s\S]*(?=\n-----)/, ''), /holds no DH PARAMETERS/],
  [
    'an empty element',
    '-----BEGIN DH PARAMETERS-----\nMAQCAAIA\n-----END DH PARAMETERS-----\n',
    /holds no DH PARAMETERS/,
  ],
])('%s is refused by name', async (_name, content, words) => {
  expect(await problemOf({ dhparam: file(content) })).toMatch(words);
});

test('a file that is not there is told of', async () => {
  expect(await problemOf({ dhparam: '/no/such/file' })).toMatch(
    /^--ssl-dhparam \/no\/such\/file does not exist; name a file/,
  );
});
