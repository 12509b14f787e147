import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkListenFiles } from '../../src/cli/check-listen-files.ts';
import { judgeFindings } from '../../src/cli/file-findings.ts';
import type { ListenTls } from '../../src/config/types.ts';
import { clientCa, emptyList, expired, oldList, one, wild } from '../helpers/client-ca.ts';
import { cert, key } from '../helpers/test-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'check-listen-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const good = { cert: file('tls.crt', cert), key: file('tls.key', key) };
const wilds = { cert: file('wild.crt', wild.cert), key: file('wild.key', wild.key) };
const ca = file('ca.crt', clientCa);
const crl = file('ca.crl', emptyList);
const old = { cert: file('old.crt', expired.cert), key: file('old.key', expired.key) };
const missing = join(folder, 'missing');
const now = Date.parse('2027-01-01T00:00:00Z');

async function found(tls: Partial<ListenTls>) {
  const listen = { tls: { ...good, certificates: [], clients: null, ...tls } };
  const { errors, warnings } = judgeFindings(await checkListenFiles({ listen } as never, now), new Map());
  return { errors, warnings: warnings.map(({ subject, message }) => `${subject}: ${message}`) };
}

test('nothing is said without TLS, and of files that can be used', async () => {
  expect(await checkListenFiles({ listen: { tls: null } } as never, now)).toEqual([]);
  const clients = { ca, crl, isRequired: true };
  expect(await found({ certificates: [wilds], clients })).toEqual({ errors: [], warnings: [] });
  expect(await found({ clients: { ...clients, crl: null } })).toEqual({ errors: [], warnings: [] });
});

describe('an error', () => {
  const clients = { ca, crl, isRequired: true };
  test.each<[string, Partial<ListenTls>, string]>([
    ['no certificate', { cert: good.key }, `listen.tls.cert: ${good.key} holds no certificate`],
    ['no key', { key: good.cert }, `listen.tls.key: ${good.cert} holds no private key`],
    ['a folder', { cert: folder }, `listen.tls.cert: ${folder} `],
    [
      'a key of another',
      { certificates: [{ cert: wilds.cert, key: file('one.key', one.key) }] },
      `listen.tls.certificates[0].key: ${join(folder, 'one.key')} is not the key of`,
    ],
    [
      'one that has expired',
      old,
      `listen.tls.cert: ${old.cert} holds a certificate (CN=anna, OU=staff) that has expired on 2021-01-01T00:00:00.000Z; renew it`,
    ],
    [
      'one in a chain that has expired',
      { cert: file('chain.crt', cert + expired.cert) },
      `listen.tls.cert: ${join(folder, 'chain.crt')} holds a certificate (CN=anna, OU=staff) that has expired`,
    ],
    ['an authority that is none', { clients: { ...clients, ca: crl } }, 'client_certificates.ca: '],
    ['an authority that has expired', { clients: { ...clients, ca: old.cert } }, 'client_certificates.ca: '],
    ['a list that is none', { clients: { ...clients, crl: ca } }, 'client_certificates.crl: '],
    [
      'a list that is over',
      { clients: { ...clients, crl: file('lists.crl', emptyList + oldList) } },
      `listen.tls.client_certificates.crl: ${join(folder, 'lists.crl')} holds a list that was good until 2021-01-01T00:00:00.000Z, so no certificate of its authority comes in; let that make a new one`,
    ],
  ])('%s', async (_, tls, message) => {
    const { errors, warnings } = await found(tls);
    expect(errors).toEqual([expect.stringContaining(message)]);
    expect(warnings).toEqual([]);
  });

  test('each of several', async () => {
    const { errors } = await found({ ...old, certificates: [old], clients: { ...clients, crl: ca } });
    expect(errors.map((text) => text.split(':', 1)[0])).toEqual([
      'listen.tls.cert',
      'listen.tls.certificates[0].cert',
      'listen.tls.client_certificates.crl',
    ]);
  });
});

test('a file that is not there is a warning, as it may be mounted elsewhere', async () => {
  const { errors, warnings } = await found({ key: missing, clients: { ca: missing, crl: null, isRequired: false } });
  expect(errors).toEqual([]);
  expect(warnings).toEqual([
    `listen.tls.key: ${missing} does not exist here; without it Sluice does not start.`,
    `listen.tls.client_certificates.ca: ${missing} does not exist here; without it Sluice does not start.`,
  ]);
});
