import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ClientCertificate } from '../../../../src/admission/auth/client-cert/certificate.ts';
import { ClientCertJudge, type ClientCertOptions } from '../../../../src/admission/auth/client-cert/client-cert.ts';
import { certificateFields } from '../../../../src/config/types.ts';
import { anna } from '../../../helpers/client-ca.ts';
import { type CertificateOptions, makeCa, oid } from '../../../helpers/make-certificate.ts';
import { authRequest } from './requests.ts';

const ca = makeCa();
const shown = (options: CertificateOptions) => new ClientCertificate(new X509Certificate(ca.issue(options).cert));
const of = (certificate: ClientCertificate) =>
  Object.fromEntries(
    certificateFields.flatMap((field) => {
      const values = certificate.values(field);
      return values.length === 0 ? [] : [[field, values]];
    }),
  );

describe('what a certificate says', () => {
  test('is what stands in its subject and its alternative names, and nothing else', () => {
    const certificate = shown({
      subject: [
        [oid.cn, 'anna'],
        [oid.o, 'science'],
        [oid.ou, 'staff'],
        [oid.ou, 'admins'],
        [oid.uid, 'a1'],
        [oid.serialNumber, '42'],
        [oid.email, 'anna@example.org'],
        ['1.2.3.4', 'of nobody'],
      ],
      names: [
        [1, 'anna@example.org'],
        [2, 'anna.example.org'],
        [6, 'spiffe://example.org/anna'],
        [1, 'a@example.org'],
      ],
    });
    expect(of(certificate)).toEqual({
      'subject.CN': ['anna'],
      'subject.O': ['science'],
      'subject.OU': ['staff', 'admins'],
      'subject.UID': ['a1'],
      'subject.serialNumber': ['42'],
      'subject.emailAddress': ['anna@example.org'],
      'san.email': ['anna@example.org', 'a@example.org'],
      'san.dns': ['anna.example.org'],
      'san.uri': ['spiffe://example.org/anna'],
    });
    expect(of(new ClientCertificate(new X509Certificate(anna.cert)))).toEqual({
      'subject.CN': ['anna'],
      'subject.OU': ['staff'],
      'san.email': ['anna@example.org'],
    });
  });

  test('is nothing where nothing stands', () => {
    expect(of(shown({ subject: [] }))).toEqual({});
  });

  test.each([
    'a\0b@example.org',
    'a, email:root@example.org',
    'a", email:root@example.org, "',
    '"a"',
    'a\\", email:root',
    "o'neill@example.org",
    'a:b:c',
    'a\r\nX-User: root',
    ' a ',
    ', ',
    '',
  ])('no alternative name passes for another, or for two: %j', (value) => {
    const certificate = shown({
      subject: [[oid.cn, 'anna']],
      names: [
        [1, value],
        [2, value],
        [6, value],
        [1, 'last@example.org'],
      ],
    });
    expect(of(certificate)).toEqual({
      'subject.CN': ['anna'],
      'san.email': [value, 'last@example.org'],
      'san.dns': [value],
      'san.uri': [value],
    });
  });

  test.each(['a\0b', 'anna, CN=root', 'anna\nCN=root', 'anna + CN=root', '"anna"', 'Ärmel\\', 'a=b'])(
    'no attribute passes for another, or for two: %j',
    (value) => {
      expect(of(shown({ subject: [[oid.cn, value]] }))).toEqual({ 'subject.CN': [value] });
    },
  );
});

describe('a judge', () => {
  const judge = (more: Partial<ClientCertOptions> = {}) =>
    new ClientCertJudge({ user: 'subject.CN', match: [], closesOnExpiry: true, now: () => 0, ...more });
  const decide = (options: CertificateOptions, more: Partial<ClientCertOptions> = {}) =>
    judge(more).decide(authRequest([], { certificate: shown(options) }));
  const subject = [[oid.cn, 'anna']] as const;

  test('finds the certificate of a client, and neither none nor that of a trusted proxy', () => {
    const certificate = shown({ subject });
    expect(judge().brings(authRequest([], { certificate }))).toBe(true);
    expect(judge().brings(authRequest([], { certificate, trusted: true }))).toBe(false);
    expect(judge().brings(authRequest())).toBe(false);
    expect(judge().challenge(authRequest())).toEqual({});
  });

  test('lets its user in for as long as it holds', () => {
    const until = new Date('2050-06-01T12:00:00Z');
    const endsAtMs = until.getTime();
    expect(decide({ subject, until })).toMatchObject({
      is: 'admitted',
      identity: { name: 'anna', groups: [], expiresAtMs: endsAtMs },
      life: { endsAtMs },
    });
    expect(decide({ subject, until }, { closesOnExpiry: false })).toMatchObject({ life: { endsAtMs: null } });
    expect(decide({ subject, until }, { now: () => endsAtMs - 1 })).toMatchObject({ is: 'admitted' });
    expect(decide({ subject, until }, { now: () => endsAtMs })).toMatchObject({ is: 'refused', result: 'expired' });
  });

  test('wants one of the values of each field that it is told of', () => {
    const match = [
      ['subject.OU', ['staff', 'admins']],
      ['san.email', ['anna@example.org']],
    ] as const;
    const ou = [oid.ou, 'admins'] as const;
    const names = [[1, 'anna@example.org']] as const;
    expect(decide({ subject: [...subject, ou], names }, { match })).toMatchObject({ is: 'admitted' });
    expect(decide({ subject: [...subject, ou] }, { match })).toMatchObject({ result: 'claim' });
    expect(decide({ subject, names }, { match })).toMatchObject({ result: 'claim', identity: { name: 'anna' } });
    expect(decide({ subject: [...subject, [oid.ou, 'Admins']], names }, { match })).toMatchObject({ result: 'claim' });
  });

  test.each([
    ['subject.CN', { subject: [] }, 'claim'],
    ['san.email', { subject }, 'claim'],
    ['subject.CN', { subject: [...subject, ...subject] }, 'several'],
    ['subject.CN', { subject: [[oid.cn, '']] }, 'malformed'],
    ['subject.CN', { subject: [[oid.cn, 'anna\0']] }, 'malformed'],
    ['subject.CN', { subject: [[oid.cn, 'anna\r\nX-User: root']] }, 'malformed'],
    ['subject.CN', { subject: [[oid.cn, ' anna']] }, 'malformed'],
    ['subject.CN', { subject: [[oid.cn, '\u202eanna']] }, 'malformed'],
    ['subject.CN', { subject: [[oid.cn, 'x'.repeat(257)]] }, 'malformed'],
    ['san.email', { subject, names: [[1, 'anna@example.org\0.evil.test']] }, 'malformed'],
    ['san.email', { subject, names: [[1, 'ä@example.org']] }, 'malformed'],
    ['san.dns', { subject, names: [[2, 'a b']] }, 'malformed'],
    ['subject.CN', { subject, names: [[1, 'x'.repeat(64 * 1024)]] }, 'too_long'],
  ] as const)('names nobody by %s of %j', (user, options, result) => {
    expect(decide(options as CertificateOptions, { user })).toMatchObject({ is: 'refused', result, guessed: false });
  });

  test('takes names beyond ASCII from a subject', () => {
    expect(decide({ subject: [[oid.cn, 'Ärmel']] })).toMatchObject({ identity: { name: 'Ärmel' } });
  });
});
